"""The transport `file`: collections and environments exported to disk. Sends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.postman.config_model import PostmanConfig
from tasks.postman.json_text import NotJson, parse
from tasks.postman.shapes import is_collection
from tasks.postman.spelling import kind
from tasks.postman.transport import Fault, Offer, PowerError


class FileTransport:
    """Exports on disk; relative names are meant from the configuration's folder."""

    def __init__(self, config: PostmanConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder

    def open(self) -> Offer:
        """See that there is a collection to read.

        Raises:
            PowerError: no `collection_file` is set, or there is none.

        """
        if self._config.collection_file is None:
            raise PowerError(
                Fault.NO_KEY, "no POSTMAN_API_KEY is set and no `collection_file` is named; one of them is needed"
            )
        if not (self._folder / self._config.collection_file).is_file():
            raise PowerError(Fault.NOT_FOUND, f"there is no file {self._folder / self._config.collection_file}")
        return Offer(server=str(self._folder), tools=("getCollection", "getEnvironment"))

    def collection(self, collection_id: str) -> dict[str, Any]:  # noqa: ARG002  # a file is its own id
        """Answer the exported collection.

        Raises:
            PowerError: it cannot be read, or is none.

        """
        read = self.read(self._config.collection_file or "")
        inner = read.get("collection")
        found = inner if isinstance(inner, dict) else read  # the API's wrapping, kept by some who saved its answer
        if not is_collection(found):
            message = f"{self._config.collection_file} is no Postman collection: it has no `info` and `item`"
            raise PowerError(Fault.BAD_ANSWER, message)
        return found

    def environment(self, environment_id: str) -> dict[str, Any]:  # noqa: ARG002  # a file is its own id
        """Answer the exported environment.

        Raises:
            PowerError: it cannot be read, or is none.

        """
        read = self.read(self._config.environment_file or "")
        inner = read.get("environment")
        found = inner if isinstance(inner, dict) else read
        if not isinstance(found.get("values"), list):
            message = f"{self._config.environment_file} is no Postman environment: it has no list of `values`"
            raise PowerError(Fault.BAD_ANSWER, message)
        return found

    def read(self, name: str) -> dict[str, Any]:
        """Read any file beside the configuration that holds a JSON object.

        Raises:
            PowerError: it cannot be read, or is no JSON object.

        """
        found = self._parsed(name)
        if not isinstance(found, dict):
            raise PowerError(Fault.BAD_ANSWER, f"{self._folder / name} holds {kind(found)}, not a JSON object")
        return found

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Read a file of data beside the configuration: a list of objects, one for each iteration.

        Raises:
            PowerError: it cannot be read, or is no such list.

        """
        found = self._parsed(name)
        if not isinstance(found, list) or not found or not all(isinstance(row, dict) for row in found):
            raise PowerError(Fault.BAD_ANSWER, f"{self._folder / name} is no JSON list of objects, one per iteration")
        return found

    def close(self) -> None:
        """Let go of nothing: files are closed when they are read."""

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _parsed(self, name: str) -> Any:
        file = self._folder / name
        try:
            return parse(file.read_bytes().decode("utf-8-sig"))
        except OSError as error:
            raise PowerError(Fault.NOT_FOUND, f"{file} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise PowerError(Fault.BAD_ANSWER, f"{file} is not UTF-8") from None
        except NotJson as error:
            place = f"{file}:{error.place.line}:{error.place.column}"
            raise PowerError(Fault.BAD_ANSWER, f"{place}: this is not JSON: {error.message}") from None
