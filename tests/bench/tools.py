"""The same work, asked of each tool: files are written into a folder, and the command that runs them is answered.

Knows no clock. Tools other than ours and the bare script are taken from the PATH, where they are installed.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

Needs: TypeAlias = Mapping[str, Sequence[str]]


class Work(Struct, frozen=True, kw_only=True):
    """Tasks in an order in which each comes behind what it needs; each sleeps for `seconds`, on so many workers.

    `keeps` says that what was done before is to be known again.
    """

    needs: Needs
    seconds: float = 0.0
    workers: int = 2
    keeps: bool = False


Tool: TypeAlias = Callable[[Path, Work], Sequence[str]]


def ours(folder: Path, work: Work) -> Sequence[str]:
    """Ask the runner, with default flags."""
    (folder / "work.py").write_text(_function(work), encoding="utf-8")
    more = {"cache": True} if work.keeps else {}
    tasks = {
        name: {"uses": "work:noop", "with": {"i": 1}, "needs": list(above), **more}
        for name, above in work.needs.items()
    }
    _write(folder / "graph.json", {"version": 1, "name": "bench", "tasks": tasks})
    return [sys.executable, "-m", "runner", "graph.json", "-j", str(work.workers)]


def bare(script: Path) -> Tool:
    """Answer how a bare script is asked; where tasks sleep, a copy of it in which they do."""

    def command(folder: Path, work: Work) -> Sequence[str]:
        text, does = script.read_text(encoding="utf-8"), "    return i\n"
        assert text.count(does) == 1, f"{script} has no function that does nothing but `return i`"
        sleeps = f"    __import__('time').sleep({work.seconds})\n{does}"
        (folder / "bare.py").write_text(text.replace(does, sleeps) if work.seconds else text, encoding="utf-8")
        _write(folder / "needs.json", work.needs)
        return [sys.executable, "bare.py", "needs.json", str(work.workers)]

    return command


def make(folder: Path, work: Work) -> Sequence[str]:
    """Ask make; each task is a command, and a file where what was done is to be known again."""
    rules = "\n".join(f"{name}: {' '.join(above)}\n\t@{_shell(work, '$@')}" for name, above in work.needs.items())
    phony = "all" if work.keeps else f"all {' '.join(work.needs)}"
    text = f".PHONY: {phony}\nall: {' '.join(work.needs)}\n{rules}\n"
    (folder / "Makefile").write_text(text, encoding="utf-8")
    return ["make", f"-j{work.workers}", "all"]


def ninja(folder: Path, work: Work) -> Sequence[str]:
    """Ask ninja, as make."""
    rules = "\n".join(f"build {name}: run {' '.join(above)}" for name, above in work.needs.items())
    text = f"rule run\n  command = {_shell(work, '$out')}\n{rules}\n"
    (folder / "build.ninja").write_text(text, encoding="utf-8")
    return ["ninja", f"-j{work.workers}"]


def doit(folder: Path, work: Work) -> Sequence[str]:
    """Ask doit for functions."""
    _write(folder / "needs.json", work.needs)
    more = ", 'uptodate': [True]" if work.keeps else ""
    text = f"""
def task_work():
    for name, above in json.load(open("needs.json")).items():
        needs = ["work:" + need for need in above]
        yield {{"name": name, "actions": [(noop, [1])], "task_dep": needs{more}}}
"""
    (folder / "dodo.py").write_text("import json\n" + _function(work, answer="True") + text, encoding="utf-8")
    return ["doit", "-n", str(work.workers)]


def luigi(folder: Path, work: Work) -> Sequence[str]:
    """Ask luigi, which knows a task by its file."""
    _write(folder / "needs.json", work.needs)
    text = """
NEEDS = json.load(open("needs.json"))

class Node(luigi.Task):
    name = luigi.Parameter()

    def requires(self):
        return [Node(name=need) for need in NEEDS[self.name]]

    def output(self):
        return luigi.LocalTarget("done/" + self.name)

    def run(self):
        noop(1)
        self.output().open("w").close()

class All(luigi.WrapperTask):
    def requires(self):
        return [Node(name=name) for name in NEEDS]
"""
    (folder / "phase.py").write_text("import json\nimport luigi\n" + _function(work) + text, encoding="utf-8")
    return ["luigi", "--module", "phase", "All", "--local-scheduler", "--workers", str(work.workers)]


def snakemake(folder: Path, work: Work) -> Sequence[str]:
    """Ask snakemake, which knows a task by its file."""
    text = f"rule all:\n  input: {_files(work.needs)}\n"
    for name, above in work.needs.items():
        sleeps = f"sleep {work.seconds:g} && " if work.seconds else ""
        text += (
            f'rule {name}:\n  input: {_files(above)}\n  output: "done/{name}"\n  shell: "{sleeps}touch {{output}}"\n'
        )
    (folder / "Snakefile").write_text(text, encoding="utf-8")
    return ["snakemake", "--cores", str(work.workers), "all"]


def dask(folder: Path, work: Work) -> Sequence[str]:
    """Ask dask.distributed, with a process for each worker."""
    _write(folder / "needs.json", work.needs)
    text = f"""
def task(i, *above):
    return noop(i)

if __name__ == "__main__":
    with LocalCluster(n_workers={work.workers}, threads_per_worker=1) as cluster, Client(cluster) as client:
        found = {{}}
        for name, above in json.load(open("needs.json")).items():
            found[name] = client.submit(task, 1, *(found[need] for need in above), key=name)
        print(len(client.gather(list(found.values()))))
"""
    imports = "import json\nfrom dask.distributed import Client, LocalCluster\n"
    (folder / "clustered.py").write_text(imports + _function(work) + text, encoding="utf-8")
    python = Path(shutil.which("dask") or sys.executable).with_name("python")
    return [str(python), "clustered.py"]


PEERS: Mapping[str, Tool] = {
    "make": make, "ninja": ninja, "doit": doit, "luigi": luigi, "snakemake": snakemake, "dask": dask,
}  # fmt: skip
KEEPING = frozenset({"ours", "make", "ninja", "doit", "luigi", "snakemake"})
"""What knows again what was done before."""


def installed() -> dict[str, Tool]:
    """Answer the other tools that there are here."""
    return {name: tool for name, tool in PEERS.items() if shutil.which(name)}


# -- the helpers -------------------------------------------------------------------------------------------------------


def _function(work: Work, *, answer: str = "i") -> str:
    sleeps = f"    __import__('time').sleep({work.seconds})\n" if work.seconds else ""
    return f"def noop(i: int) -> int:\n{sleeps}    return {answer}\n"


def _shell(work: Work, file: str) -> str:
    if work.keeps:
        return f"touch {file}"
    return f"sleep {work.seconds:g}" if work.seconds else "true"


def _files(names: Iterable[str]) -> str:
    return ", ".join(f'"done/{name}"' for name in names)


def _write(file: Path, data: object) -> None:
    file.write_text(json.dumps(data), encoding="utf-8")
