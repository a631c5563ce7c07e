"""Which workers of a cluster have come, which cannot be used, and when that nobody is there is a fault. Pure."""

from __future__ import annotations

from runner.execute.heard import Connected, HostCame, HostLeft, HostRefused, Unreachable


class Attendance:
    """What is known of one cluster, at a time in seconds that only grows."""

    def __init__(self, where: str, patience: float, now: float) -> None:
        """`where` names the cluster; `patience` are seconds that it may be without a worker."""
        self._where = where
        self._patience = patience
        self._present: set[str] = set()
        self._refused: dict[str, str] = {}
        self._expected: int | None = None  # None before the scheduler has answered
        self._unreachable = ""
        self._any_came = False
        self._empty_since: float | None = now

    @property
    def waits(self) -> str:
        """What is waited for, and how long, in words."""
        return f"waits for a worker of {self._where}, at most {self._patience:g} s"

    @property
    def is_empty(self) -> bool:
        """Whether there is no worker to be used."""
        return not self._present

    @property
    def is_whole(self) -> bool:
        """Whether all that were there at the beginning have come, or cannot be used."""
        return self._expected is not None and len(self._present) + len(self._refused) >= self._expected

    @property
    def ends(self) -> float | None:
        """Until when it may go on without a worker, None while there is one."""
        return None if self._empty_since is None else self._empty_since + self._patience

    def hear(self, heard: Connected | HostCame | HostLeft | HostRefused | Unreachable, now: float) -> None:
        """Take in what is heard of the cluster."""
        match heard:
            case Connected(workers=workers):
                self._expected, self._unreachable = workers, ""
            case HostCame(address=address):
                self._present.add(address)
                self._refused.pop(address, None)
                self._any_came, self._empty_since = True, None
            case HostLeft(address=address):
                self._present.discard(address)
                if not self._present and self._empty_since is None:
                    self._empty_since = now
            case HostRefused(address=address, why=why):
                self._refused[address] = why
            case Unreachable(why=why):
                self._unreachable = why

    def fault(self, now: float) -> str:
        """Say why nothing can be done any more, "" while something can, or may yet."""
        refused = "; ".join(f"{address}: {why}" for address, why in self._refused.items())
        if self._unreachable and self._expected is None:
            return f"no Dask scheduler answers at {self._where}: {self._unreachable}"
        if refused and not self._any_came:
            return f"no worker of the cluster can be used; {refused}"
        if self.ends is not None and now >= self.ends:
            why = self._unreachable or refused or "it has no worker"
            return f"nothing could be done at {self._where} for {self._patience:g} s: {why}; go on with --resume"
        return ""
