"""The runner's own log, `.runner/runner.log`: who writes it and what it may hold. Knows no event.

Only standard logging; concurrent-log-handler, which lets several runs write into one file, is imported at the first
record that is to be written, because most runs write none.
"""

from __future__ import annotations

import logging
from pathlib import Path

from runner.mask import Masker

FILES, SIZE = 5, 10 * 1024 * 1024
"""How many log files are kept, and how large one may become in bytes (DESIGN section 3, Logging)."""

FORMAT = "%(asctime)s %(levelname)-7s %(name)s[%(process)d] %(message)s"


class Masked(logging.Formatter):
    """Formats records and masks secrets in them."""

    def __init__(self, masker: Masker) -> None:
        super().__init__(FORMAT)
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as text without secrets."""
        return self._masker.text(super().format(record))


class LazyFile(logging.Handler):
    """A handler that opens its rotating file at the first record."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        if self._file is None:
            from concurrent_log_handler import ConcurrentRotatingFileHandler  # noqa: PLC0415  # said above

            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = ConcurrentRotatingFileHandler(
                str(self._path), maxBytes=SIZE, backupCount=FILES - 1, encoding="utf-8", chmod=0o600
            )
            self._file.setFormatter(self.formatter)
        self._file.emit(record)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        super().close()


def open_log(path: Path, level: str, masker: Masker) -> logging.Logger:
    """Answer the runner's logger, writing into a file from this level on; what was open before is closed."""
    logger = logging.getLogger("runner")
    for former in list(logger.handlers):
        logger.removeHandler(former)
        former.close()
    logger.propagate = False
    logger.setLevel(level)
    handler = LazyFile(path)
    handler.setFormatter(Masked(masker))
    logger.addHandler(handler)
    return logger
