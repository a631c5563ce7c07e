"""Where a worker writes down that an attempt begins and how it ended, before it says so: a killed runner loses neither.

One file a worker, two lines an attempt. Knows no journal. Standard library, msgspec and the task's contract only.
"""

from __future__ import annotations

import os
from pathlib import Path

from runner.plain import encode
from runner.task import Receipt


class Receipts:
    """The file of one worker, opened at the first receipt."""

    def __init__(self) -> None:
        self._file = -1
        self._folder = ""
        self._unwritten = bytearray()

    def add(self, folder: str, receipt: Receipt, secrets: dict[str, str]) -> None:
        """Add a receipt to be written; one that holds a secret's value is left out, and its task runs again."""
        if not folder:
            return
        line = encode(receipt)
        if secrets:
            from runner.mask import Masker  # noqa: PLC0415  # most workers never see a secret

            try:
                text = line.decode()
                if Masker(secrets).text(text) != text:
                    return
            except ValueError:  # a border: a secret's value is the user's
                return
        self._folder = folder
        self._unwritten += line
        self._unwritten += b"\n"

    def write(self) -> None:
        """Write what was added, in one piece.

        What cannot be written is left out, too: a receipt is a second chance, and the reply is still to come.
        """
        if not self._unwritten:
            return
        try:
            if self._file < 0:
                path = Path(self._folder, f"{os.getpid()}.jsonl")
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.write(self._file, self._unwritten)
        except OSError:  # a border: the disk is full, or the folder is gone
            pass
        self._unwritten.clear()
