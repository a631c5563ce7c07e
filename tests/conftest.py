"""What holds for every test: hypothesis judges what comes out, never how long it took."""

from hypothesis import HealthCheck, settings

# The first text that is drawn in a fresh clone makes a table of all characters: a second on a quiet machine, many on a
# busy one, for which "input generation is slow" would be the wrong word.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
