"""`python -m runner`. Knows that a run begins with its warden, and where the command line begins."""

import gc
import os
import sys
from contextlib import suppress

from runner.cli.words import starts_processes
from runner.execute.start import WardenProcess


def begin() -> int:
    """Run the command line of this process; answers its exit code."""
    _open_streams()
    warden = None
    if sys.platform != "win32" and starts_processes(sys.argv[1:]):
        try:
            warden = WardenProcess()
        except OSError:  # a border: the pool will try again, and say why it fails
            warden = None
    if warden is not None:
        import runner.early  # noqa: F401, PLC0415  # before anybody else loads what it loads
    from runner.cli.main import main  # noqa: PLC0415  # loaded while the warden starts

    code = main(warden=warden)
    gc.freeze()  # the process ends: what is left need not be looked through
    return code


def _open_streams() -> None:
    """Put /dev/null where a standard stream is closed: else the next file that is opened would be taken for it."""
    for number in (0, 1, 2):
        with suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # it lives as long as we do
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # it lives as long as we do


if __name__ == "__main__":
    raise SystemExit(begin())
