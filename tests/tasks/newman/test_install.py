from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.newman.find import NewmanUnavailable, Node
from tasks.newman.install import npm_package, provide
from tasks.newman.options import RunOptions
from tasks.postman.client import PostmanPowerClient
from tasks.postman.config_model import PostmanConfig
from tests.tasks.kit import PHASE, Reply, server, without_key
from tests.tasks.newman.test_find import newman_in, program

pytestmark = pytest.mark.real

NPM = """
echo called >> "$COUNTS"
while [ $# -gt 0 ]; do [ "$1" = --prefix ] && folder=$2; shift; done
sleep 0.3
mkdir -p "$folder/node_modules/thing"
"""


def place(tmp_path: Path, npm: str) -> tuple[Node, dict[str, str]]:
    """Make a machine with a Node, an npm that does as told, and an empty cache."""
    node = program(tmp_path / "bin/node", "echo v20.0.0")
    environ = {
        "PATH": f"{tmp_path}/bin:/bin:/usr/bin",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "COUNTS": str(tmp_path / "counts"),
    }
    return Node(executable=str(node), npm=(str(program(tmp_path / "bin/npm", npm)),), origin="PATH"), environ


def test_two_at_the_same_moment_install_once(tmp_path: Path) -> None:
    """The second waits for the first, says so, and finds what it needs."""
    node, environ = place(tmp_path, NPM)
    said: list[str] = []

    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(lambda _: npm_package("thing", "1.0", node, environ, said.append), range(2)))

    assert ["called\n"] == (tmp_path / "counts").read_text(encoding="utf-8").splitlines(keepends=True)
    assert [tmp_path / "cache/taskgraph-runner/thing-1.0/node_modules/thing"] * 2 == folders
    assert ["another process is installing; waiting for it"] == [each for each in said if "another" in each]


def test_a_refusal_is_one_message_and_leaves_nothing(tmp_path: Path) -> None:
    """It has npm's own last words, what to do, and no half of anything in the cache; the next try is free."""
    node, environ = place(tmp_path, 'echo "npm error 403 Forbidden" >&2; exit 1')

    with pytest.raises(NewmanUnavailable) as caught:
        npm_package("thing", "1.0", node, environ, lambda _: None)

    assert str(caught.value).startswith("npm could not install thing: npm error 403 Forbidden; install Node and run")
    assert ["install.lock"] == [each.name for each in (tmp_path / "cache/taskgraph-runner").iterdir()]


NO_NETWORK = """
npm error code ECONNREFUSED
npm error syscall connect
npm error errno ECONNREFUSED
npm error FetchError: request to http://127.0.0.1:9/thing failed, reason: connect ECONNREFUSED 127.0.0.1:9
npm error     at ClientRequest.<anonymous> (/usr/lib/node_modules/npm/node_modules/minipass-fetch/lib/index.js:130:14)
npm error
npm error If you are behind a proxy, please make sure that the 'proxy' config is set properly.  See: 'npm help config'
npm error A complete log of this run can be found in: /home/me/.npm/_logs/debug-0.log
"""
REFUSED = """
npm error code E403
npm error 403 403 Forbidden - GET http://127.0.0.1:9/thing - blocked by policy
npm error 403 In most cases, you or one of your dependencies are requesting a package version that is forbidden.
npm error A complete log of this run can be found in: /home/me/.npm/_logs/debug-0.log
"""


@pytest.mark.parametrize(("said", "reason"), [(NO_NETWORK, "reason: connect ECONNREFUSED"), (REFUSED, "403 Forbidden")])
def test_of_what_npm_says_the_cause_is_told(tmp_path: Path, said: str, reason: str) -> None:
    """Its last words are about proxies and its own log; the cause stands above them (npm 10, as it was seen)."""
    (tmp_path / "said").write_text(said, encoding="utf-8")
    node, environ = place(tmp_path, f'cat "{tmp_path}/said" >&2; exit 1')

    with pytest.raises(NewmanUnavailable, match=reason) as caught:
        npm_package("thing", "1.0", node, environ, lambda _: None)

    assert "complete log" not in str(caught.value)
    assert "install Node and run `npm install -g newman@" in str(caught.value)


def test_nothing_is_installed_where_that_is_off(tmp_path: Path) -> None:
    """The message says what is missing and how to get it by hand."""
    _, environ = place(tmp_path, NPM)

    with pytest.raises(NewmanUnavailable, match="there is no Newman here and `install` is off; install Node and run"):
        provide(None, tmp_path, environ, install=False, say=lambda _: None)


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    node, environ = place(tmp_path, NPM)
    (tmp_path / "cache").write_text("", encoding="utf-8")

    with pytest.raises(NewmanUnavailable, match="cannot be written"):
        npm_package("thing", "1.0", node, environ, lambda _: None)


def test_nothing_is_installed_where_all_is_there(tmp_path: Path) -> None:
    """Not even a word is said."""
    _, environ = place(tmp_path, "exit 1")
    newman_in(tmp_path)
    said: list[str] = []

    node, newman = provide(None, tmp_path, environ, install=True, say=said.append)

    assert ("PATH", "the project's node_modules", []) == (node.origin, newman.origin, said)


def test_a_machine_without_node_gets_one_from_pypi(tmp_path: Path) -> None:
    """A collection runs on it; the copy is kept in the cache that all tests share."""
    folders = [each for each in os.environ["PATH"].split(":") if each and not shutil.which("node", path=each)]
    environ = {**without_key(), "PATH": ":".join(folders)}
    try:
        node, _ = provide(None, tmp_path, environ, install=True, say=print)
    except NewmanUnavailable as error:
        pytest.skip(str(error))
    config = PostmanConfig(collection_file="documents.postman_collection.json")
    with server(lambda _: Reply()) as (url, calls):
        client = PostmanPowerClient(config, folder=PHASE, environ=environ, transport="file")
        result = client.run_collection(RunOptions(base_url=url))

    assert ("our cache", "24") == (node.origin, result.node_version.partition(".")[0])
    assert (7, 7) == (result.requests, len(calls))
