"""Is this machine fit for a Postman phase? Looks for Node, Newman, a key and the backend; installs and runs nothing."""

from __future__ import annotations

from pathlib import Path

from runner.task import Check, Context
from tasks.health import check_backend_health
from tasks.newman.find import NEWMAN_VERSION, NewmanUnavailable, cache_folder, find_newman, find_node, writable

KEY = "POSTMAN_API_KEY"


def look(context: Context, base_url: str = "", newman: str = "") -> None:
    """Add one check for each thing a phase needs; a warning where it can be had or done without."""
    context.add(_node(context))
    context.add(_newman(context, newman))
    context.add(_key(context))
    if base_url:
        context.add(_backend(base_url))


# -- the helpers -------------------------------------------------------------------------------------------------------


def _node(context: Context) -> Check:
    node = find_node(context.env)
    if node is not None:
        return Check(name="Node", verdict="passed", observed=f"{node.executable}, from {node.origin}")
    cache = cache_folder(context.env)
    if not writable(cache):
        hint = f"{cache} cannot be written; install Node"
        return Check(name="Node", verdict="failed", observed="not found", message=hint)
    hint = f"it is installed into {cache} at the first run; or install Node yourself"
    return Check(name="Node", verdict="warning", observed="not found", message=hint)


def _newman(context: Context, setting: str) -> Check:
    try:
        found = find_newman(setting or None, Path.cwd(), context.env)
    except NewmanUnavailable as error:
        return Check(name="Newman", verdict="failed", message=str(error))
    if found is not None:
        observed = f"{found.version} in {found.folder}, from {found.origin}"
        return Check(name="Newman", verdict="passed", observed=observed)
    cache = cache_folder(context.env)
    if not writable(cache):
        hint = f"{cache} cannot be written; run `npm install -g newman@{NEWMAN_VERSION}`"
        return Check(name="Newman", verdict="failed", observed="not found", message=hint)
    hint = f"npm installs it into {cache} at the first run"
    return Check(name="Newman", verdict="warning", observed="not found", message=hint)


def _key(context: Context) -> Check:
    if context.env.get(KEY):
        return Check(name=KEY, verdict="passed", observed="set")
    hint = "needed only to fetch collections from Postman; exports on disk do without"
    return Check(name=KEY, verdict="warning", observed="not set", message=hint)


def _backend(base_url: str) -> Check:
    report = check_backend_health(base_url, attempts=1, max_wait=5.0)
    name = f"backend {base_url}"
    if report.healthy:
        return Check(name=name, verdict="passed", observed=report.status)
    message = f"{report.error or report.status}; start it, or give another base_url"
    return Check(name=name, verdict="failed", observed=report.status, message=message)
