"""PostmanPowerClient: activate, fetch, run here, deactivate. Knows no task and no way to Postman in particular."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runner.task import Check
from tasks.newman.install import provide
from tasks.newman.process import run
from tasks.newman.result import CollectionRun, Record, Tally, place
from tasks.postman.config_model import PostmanConfig, postman_key
from tasks.postman.files import FileTransport
from tasks.postman.spelling import squashed
from tasks.postman.transport import Fault, Kind, Power, PowerError, Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a collection is run. Times are seconds; `bail` stops at the first failure.

    `data` is one row per iteration, or a CSV or JSON file of them beside the configuration.
    `base_url` replaces every variable of that name, however it is spelled; `data_prefix` is the variable of that name.
    """

    base_url: str = ""
    data_prefix: str | None = None
    folders: Sequence[str] = ()
    iterations: int | None = None
    data: str | Sequence[Mapping[str, Any]] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    globals: Mapping[str, str] = field(default_factory=dict)
    bail: bool = False
    delay: float = 0.0
    request_timeout: float = 30.0
    script_timeout: float = 10.0
    insecure: bool = False
    require_assertions: bool = False
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told of what, as it happens."""

    check: Callable[[Check], None] = lambda _: None
    record: Callable[[Record], None] = lambda _: None
    progress: Callable[[str, float | None, float | None], None] = lambda *_: None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerStatus:
    """Whether a power is active, which, and the latest run."""

    active: bool
    power: Power | None
    last_run: CollectionRun | None


class PostmanPowerClient:
    """A way to Postman and to Newman. Use it as a context manager; `folder` is where the configuration lies."""

    def __init__(
        self,
        config: PostmanConfig,
        *,
        folder: str | Path = ".",
        transport: Kind = "auto",
        environ: Mapping[str, str] | None = None,
        newman: str | None = None,
        install: bool = True,
        listener: Listener = Listener(),
    ) -> None:
        self._config = config
        self._folder = Path(folder).resolve()
        self._wanted = transport
        self._environ = dict(os.environ if environ is None else environ)
        self._newman, self._install = newman, install
        self._listener = listener
        self._transport: Transport | None = None
        self._power: Power | None = None
        self._last: CollectionRun | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.deactivate_power()

    def activate_power(self) -> Power:
        """Open the transport, authenticate, and see that what we need is offered.

        Raises:
            PowerError: no key, key refused, not permitted, endpoint unreachable, or tool missing.

        """
        if self._power is None:
            transport, name, why = self._chosen()
            try:
                offer = transport.open()
            except BaseException:
                transport.close()
                raise
            self._transport = transport
            self._power = Power(
                transport=name,
                why=why,
                server=offer.server,
                version=offer.version,
                user=offer.user,
                team=offer.team,
                tools=offer.tools,
            )
        return self._power

    def get_collection(self, collection_id: str | None = None) -> dict[str, Any]:
        """Answer a collection, the configured one if no id is given.

        Raises:
            PowerError: there is none, or it could not be fetched.

        """
        wanted = collection_id or self._config.collection_id
        if wanted is None and self._active().transport != "file":
            raise PowerError(Fault.NOT_FOUND, "the configuration names no collection; set `collection_id`")
        return self._open().collection(wanted or "")

    def get_environment(self, environment_id: str | None = None) -> dict[str, Any] | None:
        """Answer an environment, the configured one if no id is given; None if none is configured.

        Raises:
            PowerError: it could not be fetched.

        """
        in_file = self._active().transport == "file"
        wanted = environment_id or (self._config.environment_file if in_file else self._config.environment_id)
        return None if wanted is None else self._open().environment(wanted)

    def run_collection(self, options: RunOptions = RunOptions()) -> CollectionRun:
        """Run the configured collection here, with Newman; the listener is told as it goes.

        Raises:
            PowerError: the collection or its environment could not be fetched.
            NewmanUnavailable: there is no Newman to be had.

        """
        collection, environment = self.get_collection(), self.get_environment()
        shared = self._globals()
        node, newman = provide(
            self._newman,
            self._folder,
            self._environ,
            install=self._install,
            say=lambda message: self._listener.progress(message, None, None),
        )
        tally = Tally()
        given = newman_options(options, collection, environment, shared, str(self._folder))
        ended = run(node, newman, given, self._environ, lambda event: self._heard(tally, event), limit=options.limit)
        self._last = tally.result(require_assertions=options.require_assertions, ended=ended)
        return self._last

    def get_power_status(self) -> PowerStatus:
        """Answer whether a power is active, and what ran last."""
        return PowerStatus(active=self._power is not None, power=self._power, last_run=self._last)

    def deactivate_power(self) -> None:
        """Let go of the transport; may be called again."""
        transport, self._transport, self._power = self._transport, None, None
        if transport is not None:
            transport.close()

    # -- the helpers -----------------------------------------------------------------------------------------------

    def _chosen(self) -> tuple[Transport, str, str]:
        key = postman_key(self._config, self._environ)
        why = (
            "it was asked for"
            if self._wanted != "auto"
            else "no POSTMAN_API_KEY is set"
            if key is None
            else "a key is set"
        )
        return FileTransport(self._config, self._folder), "file", why

    def _active(self) -> Power:
        return self.activate_power()

    def _open(self) -> Transport:
        self.activate_power()
        assert self._transport is not None
        return self._transport

    def _globals(self) -> dict[str, Any] | None:
        name = self._config.globals_file
        return None if name is None else FileTransport(self._config, self._folder).read(name)

    def _heard(self, tally: Tally, event: Mapping[str, Any]) -> None:
        for said in tally.feed(event):
            match said:
                case Check():
                    self._listener.check(said)
                case Record():
                    self._listener.record(said)
        if event["event"] == "item":
            self._listener.progress(place(event["path"]), float(tally.requests), float(tally.items) or None)


def newman_options(
    options: RunOptions,
    collection: Mapping[str, Any],
    environment: Mapping[str, Any] | None,
    shared: Mapping[str, Any] | None,
    folder: str,
) -> dict[str, Any]:
    """Write options as newman.js wants them: times in milliseconds, variables as lists."""
    variables = dict(options.variables)
    if options.base_url:
        variables |= dict.fromkeys(base_url_variables(collection, environment) or ("base_url",), options.base_url)
    if options.data_prefix is not None:
        variables["data_prefix"] = options.data_prefix
    return {
        "collection": collection,
        "environment": environment,
        "globals": shared,
        "dataPrefix": options.data_prefix,
        "folder": list(options.folders),
        "iterationCount": options.iterations,
        "iterationData": _rows(options.data, folder),
        "envVar": [{"key": key, "value": value} for key, value in variables.items()],
        "globalVar": [{"key": key, "value": value} for key, value in options.globals.items()],
        "bail": ["failure"] if options.bail else False,
        "delayRequest": round(options.delay * 1000),
        "timeoutRequest": round(options.request_timeout * 1000),
        "timeoutScript": round(options.script_timeout * 1000),
        "insecure": options.insecure,
        "workingDir": folder,
    }


def _rows(data: str | Sequence[Mapping[str, Any]] | None, folder: str) -> str | list[dict[str, Any]] | None:
    if data is None or isinstance(data, str):
        return str(Path(folder, data)) if data else None
    return [dict(row) for row in data]


def base_url_variables(collection: Mapping[str, Any], environment: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Answer the variables that hold the backend's URL: those a collection uses that are spellings of `base_url`."""
    used = re.findall(r"\{\{\s*([\w.-]+)\s*\}\}", json.dumps([collection, environment]))
    return tuple(dict.fromkeys(name for name in used if squashed(name) == "baseurl"))
