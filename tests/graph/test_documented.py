"""graphs/README.md tells of every key and every code, in the words of the tables they come from.

After a change `PYTHONPATH=. python tests/graph/test_documented.py` writes the tables of the README anew.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path

from runner.graph.check import load
from runner.graph.codes import CODES
from runner.graph.keys import INCLUDE, PARAM, POOL, READY, ROOT, SERVICE
from runner.graph.shape import Key
from runner.graph.task_keys import RETRY, TASK
from tests.graph.test_broken import GOLDEN
from tests.graph.test_included import GOLDEN as INCLUDED

HERE = Path(__file__).parent.parent.parent
README = HERE / "graphs" / "README.md"


def key_table(keys: Mapping[str, Key]) -> str:
    """Write the keys that are supported as a table."""
    rows = [
        f"| `{name}` | {key.desc} | `{json.dumps(key.example, ensure_ascii=False)}` |"
        for name, key in keys.items()
        if key.shape is not None
    ]
    return "\n".join(["| key | what it is for | for example |", "|---|---|---|", *rows])


def code_table() -> str:
    """Write all codes as a table."""
    rows = [
        f"| `{code}` | {means} | {example.replace('|', chr(92) + '|')} |" for code, (means, example) in CODES.items()
    ]
    return "\n".join(["| code | what is wrong | for example |", "|---|---|---|", *rows])


def written() -> str:
    """Answer the README with its tables as they should be."""
    records = {
        "root": ROOT,
        "include": INCLUDE,
        "task": TASK,
        "retry": RETRY,
        "service": SERVICE,
        "ready": READY,
        "param": PARAM,
        "pool": POOL,
    }
    tables = {name: key_table(record.keys) for name, record in records.items()}
    tables["codes"] = code_table()
    text = README.read_text("utf-8")
    for name, table in tables.items():
        text, count = re.subn(
            rf"<!-- {name} -->\n.*?<!-- end -->",
            lambda _found, name=name, table=table: f"<!-- {name} -->\n{table}\n<!-- end -->",
            text,
            flags=re.DOTALL,
        )
        assert count == 1, name
    return text


def test_the_readme_has_every_key_and_every_code() -> None:
    """The tables of the README are those of the code: no key and no code is missing or told otherwise."""
    assert written() == README.read_text("utf-8")


def test_every_graph_in_the_readme_is_right(tmp_path: Path) -> None:
    """What is shown as a graph can be run."""
    blocks = re.findall(r"```yaml\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)
    graphs = [block for block in blocks if re.search("^tasks:", block, flags=re.MULTILINE)]
    for number, block in enumerate(graphs):
        named = re.match(r"# (\w+\.yaml)\n", block)  # so that those behind it can include it
        path = tmp_path / (named[1] if named else f"{number}.yaml")
        path.write_text(block, "utf-8")
        assert load(str(path)).graph.tasks
    assert len(graphs) >= 2


def test_every_code_is_used_and_every_used_code_is_told() -> None:
    """The table of codes holds what the source can say, no more and no less."""
    sources = [*(HERE / "runner" / "graph").glob("*.py"), *(HERE / "runner" / "execute").glob("descri*.py")]
    texts = {
        node.value
        for path in sources
        if path.name not in ("codes.py", "foreign.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    said = {
        code
        for path in (*GOLDEN.iterdir(), *INCLUDED.iterdir())
        for code in re.findall(r"^\w+\[([\w-]+)\]", path.read_text("utf-8"), re.MULTILINE)
    }

    assert set() == CODES.keys() - texts
    assert set() == said - CODES.keys()
    not_in_a_broken_file = CODES.keys() - said
    assert {
        "unreadable",
        "cannot-import",
        "no-such-function",
        "unknown-argument",
        "missing-argument",
        "bad-argument",
        "no-env-file",
        "env-syntax",
        "no-such-shell",
        "only-alone",
        "unused-service",
    } == not_in_a_broken_file, "each of these has a test of its own beside this one"


if __name__ == "__main__":
    README.write_text(written(), "utf-8")
