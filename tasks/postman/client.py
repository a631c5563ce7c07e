"""PostmanPowerClient: activate, fetch, run here, deactivate. Knows no task and no way to Postman in particular."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from runner.task import Check
from tasks.newman.find import find_newman, find_node
from tasks.newman.install import provide
from tasks.newman.options import RunOptions, newman_options
from tasks.newman.process import run
from tasks.newman.result import CollectionRun, Record, Tally, place
from tasks.postman.api import API_URL, URL_VARIABLE, ApiTransport
from tasks.postman.config_model import KEY_VARIABLE, PostmanConfig, postman_key
from tasks.postman.files import FileTransport
from tasks.postman.mcp import McpTransport
from tasks.postman.transport import Fault, Kind, Power, PowerError, Transport


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
    """A way to Postman and to Newman. Use it as a context manager; `folder` is where the configuration lies.

    `mcp_server` is `local` (npx), `hosted`, a URL, or the path of an installed server.
    """

    def __init__(
        self,
        config: PostmanConfig,
        *,
        folder: str | Path = ".",
        transport: Kind = "auto",
        mcp_server: str = "local",
        environ: Mapping[str, str] | None = None,
        newman: str | None = None,
        install: bool = True,
        listener: Listener = Listener(),
    ) -> None:
        self._config = config
        self._folder = Path(folder).resolve()
        self._wanted, self._server = transport, mcp_server
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
            NewmanUnavailable: what was set as Newman is none.

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
                can_run=self._can_run(),
            )
        return self._power

    def get_collection(self, collection_id: str | None = None) -> dict[str, Any]:
        """Answer a collection, the configured one if no id is given.

        Raises:
            PowerError: there is none, or it could not be fetched.

        """
        wanted = collection_id or self._config.collection_id
        if wanted is None and self.activate_power().transport != "file":
            raise PowerError(Fault.NOT_FOUND, "the configuration names no collection; set `collection_id`")
        return self._open().collection(wanted or "")

    def get_environment(self, environment_id: str | None = None) -> dict[str, Any] | None:
        """Answer an environment, the configured one if no id is given; None if none is configured.

        Raises:
            PowerError: it could not be fetched.

        """
        in_file = self.activate_power().transport == "file"
        wanted = environment_id or self._config.environment_id
        if not in_file and wanted is not None:
            return self._open().environment(wanted)
        return FileTransport(self._config, self._folder).environment("") if self._config.environment_file else None

    def run_collection(self, options: RunOptions | None = None) -> CollectionRun:
        """Run the configured collection here, with Newman; the listener is told as it goes.

        Raises:
            PowerError: the collection or its environment could not be fetched.
            NewmanUnavailable: there is no Newman to be had.

        """
        chosen = self._with_rows(options or RunOptions())
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
        given = newman_options(chosen, collection, environment, shared, str(self._folder))
        environ = {name: value for name, value in self._environ.items() if name != KEY_VARIABLE}
        ended = run(node, newman, given, environ, lambda event: self._heard(tally, event), limit=chosen.limit)
        self._last = tally.result(require_assertions=chosen.require_assertions, ended=ended)
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
        """Make the transport that was asked for, or the best there is: the API with a key, else files."""
        key = postman_key(self._config, self._environ)
        name, why = chosen_kind(self._wanted, self._config, has_key=key is not None)
        match name:
            case "api":
                url = self._environ.get(URL_VARIABLE) or API_URL
                return ApiTransport(key, url=url, workspace_id=self._config.workspace_id), name, why
            case "mcp":
                return McpTransport(key, server=self._server, environ=self._environ), name, why
            case "file":
                return FileTransport(self._config, self._folder), name, why

    def _can_run(self) -> bool:
        """Answer whether Node and Newman are here, or may be installed."""
        here = find_node(self._environ) and find_newman(self._newman, self._folder, self._environ)
        return self._install or here is not None

    def _open(self) -> Transport:
        self.activate_power()
        assert self._transport is not None
        return self._transport

    def _globals(self) -> dict[str, Any] | None:
        name = self._config.globals_file
        return None if name is None else FileTransport(self._config, self._folder).read(name)

    def _with_rows(self, options: RunOptions) -> RunOptions:
        """Read data that is JSON: what is none Newman takes for a CSV file without rows, and passes."""
        if not isinstance(options.data, str) or not options.data.endswith(".json"):
            return options
        return replace(options, data=FileTransport(self._config, self._folder).rows(options.data))

    def _heard(self, tally: Tally, event: Mapping[str, Any]) -> None:
        for said in tally.feed(event):
            match said:
                case Check():
                    self._listener.check(said)
                case Record():
                    self._listener.record(said)
        if event["event"] == "item":
            self._listener.progress(place(event["path"]), float(tally.requests), float(tally.items) or None)


def chosen_kind(wanted: Kind, config: PostmanConfig, *, has_key: bool) -> tuple[Literal["api", "mcp", "file"], str]:
    """Answer the transport to use, and why that one."""
    if wanted != "auto":
        return wanted, "it was asked for"
    if not has_key:
        return "file", "no POSTMAN_API_KEY is set"
    if config.collection_id is None and config.collection_file is not None:
        return "file", "a key is set, but the configuration names no `collection_id`"
    return "api", "a key is set"
