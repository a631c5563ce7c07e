"""The task `power`: runs a Postman collection against a backend; every assertion becomes a check.

Whole, or folder by folder at the same time: `folders` says which there are, `run` is done for each, `combine` adds up.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.task import Check, Context, Verdict
from tasks.newman.find import NewmanUnavailable
from tasks.newman.options import RunOptions
from tasks.newman.result import CollectionRun, Record, origin_of
from tasks.postman.client import Listener, PostmanPowerClient, PowerStatus
from tasks.postman.config_file import ConfigError, Loaded, read_config
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
    "combine",
    "folders",
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
    loaded = _loaded(config, Choice(collection=collection, environment=environment), context)
    if loaded is None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """What a collection can be run in parts by: the names of what stands at its top, folders and requests."""

    collection: str
    folders: list[str]


def folders(
    *,
    config: str = ".postman.json",
    collection: str = "",
    transport: Kind = "auto",
    mcp_server: str = "local",
    context: Context,
) -> Folders | None:
    """Look up the parts of a collection: its folders, and the requests that stand beside them, for `run` one by one.

    Two of one name are a failed check, because Newman takes them by their names.
    """
    loaded = _loaded(config, Choice(collection=collection, environment=""), context)
    if loaded is None:
        return None
    client = PostmanPowerClient(
        loaded.config,
        folder=Path(config).resolve().parent,
        transport=transport,
        mcp_server=mcp_server,
        environ=context.env,
    )
    with client:
        try:
            found = client.get_collection()
        except PowerError as error:
            context.add(Check(name="collection", verdict="failed", expected="it can be fetched", observed=str(error)))
            return None
    names = [str(each.get("name") or "") for each in found.get("item") or ()]
    twice = sorted({name for name in names if names.count(name) > 1 or not name})
    context.check("folders can be told apart", expected=[], observed=twice)
    context.check("there is something to run", expected=True, observed=bool(names))
    return Folders(collection=str(found.get("info", {}).get("name", "")), folders=names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """What the runs of some folders came to together; `seconds` is how long they took one after another."""

    passed: bool
    summary: str
    folders: int
    requests: int
    assertions: int
    failed: int
    skipped: int
    seconds: float
    slowest_ms: float


def combine(*, runs: list[Any], folders: list[str] | None = None, context: Context) -> Combined:
    """Add up the results of `run`, one of each folder; a folder that has none is a failed check, and so is a bad one.

    `folders` are their names, in the same order.
    """
    names = folders or [f"folder {number}" for number in range(1, len(runs) + 1)]
    context.check("folders that were run", expected=len(names), observed=len(runs))
    for name, result in zip(names, runs, strict=False):
        observed = "no result" if result is None else str(result["summary"])
        verdict: Verdict = "passed" if result is not None and result["passed"] else "failed"
        context.add(Check(name=name, verdict=verdict, expected="a run that passed", observed=observed))
    good = [result for result in runs if result is not None]
    requests, assertions, failed, skipped = (
        sum(int(result[key]) for result in good) for key in ("requests", "assertions", "failed", "skipped")
    )
    return Combined(
        passed=len(good) == len(names) == len(runs) > 0 and all(result["passed"] for result in good),
        summary=f"{assertions} assertions in {requests} requests of {len(good)} folders, {failed} failed",
        folders=len(good),
        requests=requests,
        assertions=assertions,
        failed=failed,
        skipped=skipped,
        seconds=sum(float(result["seconds"]) for result in good),
        slowest_ms=max((float(result["slowest_ms"]) for result in good), default=0.0),
    )


# -- the helpers -------------------------------------------------------------------------------------------------------


def _loaded(config: str, choice: Choice, context: Context) -> Loaded | None:
    """Read the configuration; each problem is a failed check."""
    try:
        return read_config(config, choice)
    except ConfigError as error:
        for problem in error.problems:
            place = f"{problem.file}:{problem.line}:{problem.column}"
            context.add(Check(name="configuration", verdict="failed", observed=problem.message, message=place))
        return None


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
