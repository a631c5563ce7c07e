"""Where a worker writes down that an attempt begins and how it ended, before it says so: a killed runner loses neither.

One file a worker, two lines an attempt. Knows no journal. Standard library and the task's contract only.
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

    def write(self, folder: str, receipt: Receipt, secrets: dict[str, str]) -> None:
        """Write a receipt into a folder; one that holds a secret's value is left out, and the attempt runs again.

        What cannot be written is left out, too: a receipt is a second chance, and the reply is still to come.
        """
        if not folder:
            return
        line = encode(receipt).decode()
        if secrets:
            from runner.mask import Masker  # noqa: PLC0415  # most workers never see a secret

            try:
                if Masker(secrets).text(line) != line:
                    return
            except ValueError:  # a border: a secret's value is the user's
                return
        try:
            if self._file < 0:
                path = Path(folder, f"{os.getpid()}.jsonl")
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.write(self._file, f"{line}\n".encode())
        except OSError:  # a border: the disk is full, or the folder is gone
            return
