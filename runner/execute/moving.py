"""What of a request is different on another machine: variables, the interpreter, folders. Pure; knows no cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from runner import plain
from runner.task import Json, Request

OF_THE_MACHINE = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "HOSTNAME", "TMPDIR", "TMP", "TEMP",
    "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "LD_LIBRARY_PATH", "SSH_AUTH_SOCK",
    "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
})  # fmt: skip  # by what they are about
"""Variables that say where things are on one machine; each machine has its own, unless the graph sets them."""
PYTHON = "TASKGRAPH_PYTHON"


class Home(Struct, frozen=True, kw_only=True):
    """A machine as a request sees it: its variables, its Python, where the run's files and shipped packages are.

    `started_in` is the folder in which the runner was started, which is that of tasks without a `workdir`. `store` is
    where files of the run may be beside its folder, "" for nowhere.
    """

    python: str
    folder: str
    environment: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    started_in: str = ""
    store: str = ""


def leaving(request: Request, environment: Mapping[str, str]) -> Request:
    """Answer a request without what it has of this machine, whose variables these are."""
    given = {name for name in OF_THE_MACHINE if name in environment}
    env = {name: value for name, value in request.env.items() if name not in given or value != environment[name]}
    own = {name: value for name, value in request.own_env.items() if name != PYTHON}
    return replace(request, env=env, own_env=own)


def arriving(request: Request, home: Home, left: Home, exists: Callable[[str], bool]) -> Request:
    """Answer a request as it is to be done at home; `left` is where it comes from, its folder the run's there.

    The folder it was started in may be missing here: then it is done in the run's.
    """
    for place in sorted((left.folder, left.store), key=len, reverse=True):  # one may hold the name of the other
        if place and place != home.folder:
            request = _moved(request, place, home.folder)
    here = {name: home.environment[name] for name in OF_THE_MACHINE if name in home.environment}
    missing = request.workdir == left.started_in and not exists(left.started_in)
    return replace(
        request,
        env={**here, **request.env},
        own_env={**request.own_env, PYTHON: home.python} if request.own_env else request.own_env,
        shell=tuple(home.python if word == left.python else word for word in request.shell),
        workdir=(home.folder or "/") if missing else request.workdir,
        path=(*home.packages, *request.path),
    )


def files_read(request: Request, *places: str) -> set[str]:
    """Answer the files of a run that an attempt may read, as paths from any of the places where they are kept."""
    needs = [*request.needs.values(), *request.above.values()]
    outputs = {file.file for need in needs for file in need.files.values()}
    outputs |= {placed.file.file for placed in request.placed}
    kept = {text for need in needs for value in need.artifacts.values() for text in _texts(value)}
    found = {_below(path, places) or path for path in outputs}
    return found | {below for path in kept if (below := _below(path, places))}


# -- the helpers -------------------------------------------------------------------------------------------------------


def _moved(request: Request, old: str, new: str) -> Request:
    """Replace the name of a folder wherever it stands: in arguments, in the command, in variables, in artifacts."""
    moved: Request = plain.from_plain(Request, _swapped(plain.to_plain(request), old, new))
    return moved


def _swapped(value: Any, old: str, new: str) -> Any:
    match value:
        case str():
            return value.replace(old, new)
        case list() | tuple():
            return [_swapped(each, old, new) for each in value]
        case dict():
            return {_swapped(key, old, new): _swapped(each, old, new) for key, each in value.items()}
        case _:
            return value


def _below(path: str, places: Sequence[str]) -> str:
    """Answer a path from the place that it is below, "" if it is below none."""
    found = (path.removeprefix(f"{place}/") for place in places if place and path.startswith(f"{place}/"))
    return next(found, "")


def _texts(value: Json) -> Iterator[str]:
    each: Any
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case _:
            pass
