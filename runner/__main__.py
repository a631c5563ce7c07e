"""`python -m runner`. Knows that a run begins with its warden, and where the command line begins."""

import sys

from runner.cli.words import starts_processes
from runner.execute.start import WardenProcess


def begin() -> int:
    """Run the command line of this process; answers its exit code."""
    warden = None
    if sys.platform != "win32" and starts_processes(sys.argv[1:]):
        try:
            warden = WardenProcess()
        except OSError:  # a border: the pool will try again, and say why it fails
            warden = None
    import runner.early  # noqa: F401, PLC0415  # before anybody else loads what it loads
    from runner.cli.main import main  # noqa: PLC0415  # loaded while the warden starts

    return main(warden=warden)


if __name__ == "__main__":
    raise SystemExit(begin())
