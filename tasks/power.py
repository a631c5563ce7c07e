"""The task `power`: runs a Postman collection against a backend; every assertion becomes a check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runner.task import Check, Context
from tasks.newman.find import NewmanUnavailable
from tasks.newman.options import RunOptions
from tasks.newman.result import CollectionRun, Record, origin_of
from tasks.postman.client import Listener, PostmanPowerClient, PowerStatus
from tasks.postman.config_file import ConfigError, read_config
from tasks.postman.spelling import Choice
from tasks.postman.transport import Fault, Kind, Power, PowerError

__all__ = [
    "CollectionRun",
    "Fault",
    "PostmanPowerClient",
    "Power",
    "PowerError",
    "PowerStatus",
    "RunOptions",
    "run",
]


def run(
    *,
    config: str = ".postman.json",
    base_url: str = "",
    collection: str = "",
    environment: str = "",
    transport: Kind = "auto",
    mcp_server: str = "local",
    folders: list[str] | None = None,
    iterations: int | None = None,
    data: str | list[dict[str, Any]] | None = None,
    variables: dict[str, str] | None = None,
    global_variables: dict[str, str] | None = None,
    bail: bool = False,
    delay: float = 0.0,
    request_timeout: float = 30.0,
    script_timeout: float = 10.0,
    insecure: bool = False,
    require_assertions: bool = False,
    newman: str | None = None,
    install: bool = True,
    context: Context,
) -> CollectionRun | None:
    """Run the collection that a configuration names; times are seconds.

    Passed is: at least one request, no failed assertion, no script that threw, every request answered.
    """
    try:
        loaded = read_config(config, Choice(collection=collection, environment=environment))
    except ConfigError as error:
        for problem in error.problems:
            place = f"{problem.file}:{problem.line}:{problem.column}"
            context.add(Check(name="configuration", verdict="failed", observed=problem.message, message=place))
        return None
    options = RunOptions(
        base_url=base_url.rstrip("/")
        or (loaded.config.base_url if "base_url" in loaded.config.model_fields_set else ""),
        data_prefix=context.data_prefix,
        folders=folders or (),
        iterations=iterations,
        data=data,
        variables=variables or {},
        globals=global_variables or {},
        bail=bail,
        delay=delay,
        request_timeout=request_timeout,
        script_timeout=script_timeout,
        insecure=insecure,
        require_assertions=require_assertions,
    )
    client = PostmanPowerClient(
        loaded.config,
        folder=Path(config).resolve().parent,
        transport=transport,
        mcp_server=mcp_server,
        environ=context.env,
        newman=newman,
        install=install,
        listener=_listener(context),
    )
    with client:
        return _run(client, options, context)


# -- the helpers -------------------------------------------------------------------------------------------------------


def _run(client: PostmanPowerClient, options: RunOptions, context: Context) -> CollectionRun | None:
    """Turn what Postman, Newman or their absence says into checks."""
    try:
        context.add(_active(client.activate_power()))
        found = client.run_collection(options)
    except PowerError as error:
        active = client.get_power_status().active
        name, expected = ("collection", "it can be fetched") if active else ("power", "an active power")
        context.add(Check(name=name, verdict="failed", expected=expected, observed=str(error)))
        return None
    except NewmanUnavailable as error:
        context.add(Check(name="newman", verdict="failed", expected="Newman 6 and Node", observed=str(error)))
        return None
    context.add(_whole(found, require_assertions=options.require_assertions))
    for warning in found.warnings:
        context.add(Check(name="collection", verdict="warning", observed=warning))
    if options.base_url and found.requests and origin_of(options.base_url) not in found.origins:
        context.add(_elsewhere(found, options.base_url))
    return found


def _active(power: Power) -> Check:
    who = f" as {power.user}" + (f" of {power.team}" if power.team else "") if power.user else ""
    server = " ".join(each for each in (power.server, power.version) if each)
    return Check(name="power", verdict="passed", observed=f"{power.transport}: {server}{who}", message=power.why)


def _whole(found: CollectionRun, *, require_assertions: bool) -> Check:
    """Judge what no single assertion shows: that the run came to its end, and that something was sent and looked at."""
    expected = "a run to its end with a request" + (" and an assertion" if require_assertions else "")
    good = found.run_error is None and found.requests > 0 and (found.assertions > 0 or not require_assertions)
    return Check(
        name="collection run",
        verdict="passed" if good else "failed",
        expected=expected,
        observed=found.run_error or found.summary,
        message=f"Newman {found.engine_version} on Node {found.node_version}",
        seconds=found.seconds,
    )


def _elsewhere(found: CollectionRun, base_url: str) -> Check:
    """Tell that another backend than the one that was meant has been verified: the collection names its own."""
    return Check(
        name="base_url",
        verdict="warning",
        expected=f"requests to {base_url}",
        observed=f"all of them went to {', '.join(found.origins)}",
        message="let the collection's URLs begin with {{base_url}}, or set its own variable by `variables`",
    )


def _listener(context: Context) -> Listener:
    def keep(record: Record) -> None:
        enter = context.created if record.action == "created" else context.deleted
        enter(record.kind, record.id, name=record.name, url=record.url)

    def progress(message: str, done: float | None, total: float | None) -> None:
        context.progress(message, done=done, total=total)

    return Listener(check=context.add, record=keep, progress=progress)
