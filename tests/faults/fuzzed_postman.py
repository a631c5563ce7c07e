"""What the tasks read of Postman's, fuzzed: configurations and collections, as `fuzzed.py` does with the runner's."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any

from tasks.newman.options import RunOptions, base_url_variables, newman_options
from tasks.postman.config_file import ConfigError, read_config
from tasks.postman.config_model import PostmanConfig
from tasks.postman.files import FileTransport
from tasks.postman.spelling import Choice
from tasks.postman.transport import PowerError
from tests.faults.changes import Chance, meant, stored, typed, written
from tests.faults.fuzzed import ROOT
from tests.tasks.postman.test_config_file import SAMPLES


class Configurations:
    """`.postman.json`: it loads (0), or `ConfigError` names every problem (1), as the task `config` says it."""

    allowed, same_in_a_process = frozenset({0, 1}), False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / ".postman.json"
        (folder / "g.yaml").write_text('tasks: {config: {uses: "tasks.config:validate"}}\n')
        self._seeds = [*SAMPLES.values(), *_read(*ROOT.glob("graphs/*/.postman.json"))]

    def change(self, chance: Chance) -> bytes:
        """Answer a configuration that is not what was meant."""
        return _changed(self._seeds, chance)

    def read(self, content: bytes) -> tuple[int | str, str]:
        """Read it as the tasks do."""
        self._path.write_bytes(content)
        try:
            return 0, str(read_config(self._path, Choice()).warnings)
        except ConfigError as error:
            return 1, str(error)
        except BaseException:  # noqa: BLE001  # whatever comes out of it is what we are looking for
            return traceback.format_exc(), ""

    def end(self, code: int | str, said: str) -> str:
        """Say how far it came."""
        return "valid" if code == 0 else "not even JSON" if "not JSON" in said or "UTF-8" in said else "wrong"

    def words(self) -> list[str]:
        """Answer the same as a command."""
        return ["run", "g.yaml", "-o", "quiet"]


class Collections:
    """Exported collections: they are read (0), or `PowerError` says why not (1), as the task `power` says it."""

    allowed, same_in_a_process = frozenset({0, 1}), False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "c.json"
        (folder / ".postman.json").write_text('{"collection_file": "c.json", "base_url": "http://127.0.0.1:9"}')
        (folder / "g.yaml").write_text('tasks: {power: {uses: "tasks.power:run", timeout: 15s}}\n')
        self._config = PostmanConfig(collection_file="c.json")
        self._seeds = _read(*ROOT.glob("graphs/**/*.postman_collection.json"))

    def change(self, chance: Chance) -> bytes:
        """Answer a collection that is not what was meant."""
        return _changed(self._seeds, chance)

    def read(self, content: bytes) -> tuple[int | str, str]:
        """Read it and make of it what Newman is given."""
        self._path.write_bytes(content)
        try:
            found = FileTransport(self._config, self.folder).collection("")
            base_url_variables(found, None)
            newman_options(RunOptions(base_url="http://127.0.0.1:9"), found, None, None, str(self.folder))
        except PowerError as error:
            return 1, str(error)
        except BaseException:  # noqa: BLE001  # whatever comes out of it is what we are looking for
            return traceback.format_exc(), ""
        return 0, ""

    def end(self, code: int | str, said: str) -> str:
        """Say how far it came."""
        return "valid" if code == 0 else "not even JSON" if "not JSON" in said or "UTF-8" in said else "wrong"

    def words(self) -> list[str]:
        """Answer the same as a command."""
        return ["run", "g.yaml", "-o", "quiet"]


# -- the helpers -------------------------------------------------------------------------------------------------------


def _read(*files: Path) -> list[Any]:
    return [json.loads(file.read_text("utf-8")) for file in sorted(files)]


def _changed(seeds: list[Any], chance: Chance) -> bytes:
    """Answer one of these as JSON: with other values, typed over, or from a bad disk."""
    data = chance.choice(seeds)
    way = chance.random()
    if way < 0.6:
        return written(meant(data, chance), chance)
    content = written(data, chance)
    return typed(content.decode("utf-8"), chance) if way < 0.9 else stored(content, chance)
