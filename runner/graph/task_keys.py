"""The keys of a task, and those it shares with the root: what each may hold, what it is for, an example. Data only."""

from __future__ import annotations

from runner.graph.foreign import FOREIGN_IN_RETRY, FOREIGN_IN_TASK, FOREIGN_TRIGGERS, FOREIGN_TYPES
from runner.graph.model import Backoff, Trigger
from runner.graph.shape import (
    Arguments,
    Axes,
    Command,
    Condition,
    Duration,
    Either,
    Flag,
    Items,
    Key,
    ListOf,
    MapOf,
    Number,
    Record,
    Size,
    Text,
    Variables,
    Whole,
    Word,
)
from runner.task import Cause

TEXT = Text()
VARIABLE = Text(
    what="the name of a variable",
    pattern=r"[A-Za-z_][A-Za-z0-9_]*",
    code="bad-name",
    hint="use letters, digits and `_`, and begin with no digit",
)
POOL_NAME = Text(
    what="the name of a pool",
    pattern=r"[A-Za-z0-9_.:/-]+",
    code="bad-name",
    hint="use letters, digits and any of `_ . : / -`",
)
_RESOURCE = Text(
    what="the name of a resource",
    pattern=r"[A-Za-z][A-Za-z0-9_.-]*",
    code="bad-name",
    hint="use letters, digits and any of `_ . -`, and begin with a letter",
)
_USES = Text(
    what="the name of a function",
    pattern=r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*",
    code="bad-uses",
    hint="write `package.module:function`, such as `tasks.health:check`",
)
_FILES = ListOf(
    item=Text(
        what="a pattern of files",
        pattern=r"!?[^~!\0][^\0]*",
        hint="name files as the task would, from the folder it runs in; `~` means nothing here",
    ),
    what="a list of patterns",
)
_OUTPUT = Text(
    what="the name of an output",
    pattern=r"[A-Za-z_][A-Za-z0-9_-]*",
    code="bad-name",
    hint="use letters, digits, `_` and `-`, and begin with no digit",
)
_FILE = Text(
    what="a file or a glob",
    pattern=r"(?:[\s\S]*/)?(?!\.{1,2}$)[^/]+",
    hint="name a file, or all that are in a folder: `dist/**`",
)
_ENV_FILE = Text(what="a file", pattern=r"(?:[\s\S]*/)?(?!\.{1,2}$)[^/]+", hint="name one file, such as `.env`")
OUTPUT_TYPES = ("string", "integer", "number", "boolean", "list", "map")
"""What an output of a command may be declared as."""
ATTEMPTS = Whole(least=1, hint="it counts all attempts: 1 means no retry")
_CAUSES = Word(words={cause.word: cause for cause in Cause if cause is not Cause.CANCELLED})

RETRY = Record(
    what="a mapping",
    foreign=FOREIGN_IN_RETRY,
    required=("attempts",),
    keys={
        "attempts": Key(shape=ATTEMPTS, desc="Attempts in all; 1 means no retry.", example=3),
        "delay": Key(shape=Duration(), desc="The first rest (default 1s).", example="2s"),
        "backoff": Key(
            shape=Word(words={backoff.value: backoff for backoff in Backoff}),
            desc="How rests grow: `exponential` (default), `linear` or `fixed`.",
            example="exponential",
        ),
        "factor": Key(shape=Number(least=1), desc="How much longer each exponential rest is (default 2).", example=2),
        "max_delay": Key(shape=Duration(), desc="The longest rest (default 1m, or `delay` if longer).", example="1m"),
        "jitter": Key(
            shape=Word(words={"full": "full", "none": "none"}),
            desc="`full` (default) makes each rest a random part of its length, `none` keeps it whole.",
            example="none",
        ),
        "deadline": Key(
            shape=Duration(zero=False),
            desc="The time for all attempts and rests together, from the first start.",
            example="5m",
        ),
        "on": Key(
            shape=ListOf(item=_CAUSES, what="a list of causes"),
            desc="Which causes of a failure are tried again (default: every cause but cancelled).",
            example=["timed_out", "crashed"],
        ),
    },
)

ROUNDS = Record(
    what="a mapping",
    foreign={
        **FOREIGN_IN_RETRY,
        "deadline": "the tasks have a `timeout` each; rounds are limited by their number, `attempts`",
    },
    required=("attempts",),
    keys={name: key for name, key in RETRY.keys.items() if name != "deadline"},
)
"""How often all tasks of an included file are tried together."""

LIMITS = {
    "timeout": Key(
        shape=Duration(zero=False),
        desc="The time one attempt may take, from its real start; then it is killed with all it started.",
        example="10m",
    ),
    "kill_after": Key(shape=Duration(), desc="The time between SIGTERM and SIGKILL (default 5s).", example="10s"),
    "retry": Key(
        shape=Either(short=ATTEMPTS, record=RETRY, what="a number of attempts, or a mapping with `attempts`"),
        desc="How many attempts in all, or more about them.",
        example={"attempts": 3, "delay": "2s"},
    ),
    "memory": Key(
        shape=Size(), desc="The memory one attempt may use, with all it starts; then it is killed.", example="1GiB"
    ),
    "processes": Key(
        shape=Whole(least=1),
        desc="How many processes one attempt may have at once (default 1000); then it is killed.",
        example=32,
    ),
    "log_limit": Key(
        shape=Size(),
        desc="How much of its output is kept (default 64MiB): the beginning and the end of it.",
        example="10MiB",
    ),
    "allow_failure": Key(shape=Flag(), desc="It may fail without failing the run (default false).", example=True),
    "priority": Key(shape=Whole(), desc="Higher starts first (default 0).", example=10),
    "estimate": Key(
        shape=Duration(), desc="How long it is thought to take, while nothing was measured yet.", example="2h"
    ),
    "cache": Key(
        shape=Flag(),
        desc="Do not run it while its last result still holds (default: true if it has `sources`).",
        example=True,
    ),
    "stagger": Key(
        shape=Duration(),
        desc="It starts no sooner than this after the start before, of a task that has a `stagger`, too.",
        example="150ms",
    ),
    "pools": Key(
        shape=Either(
            short=ListOf(item=POOL_NAME, what="a list of pools"),
            record=MapOf(name=POOL_NAME, item=Whole(least=1), what="a mapping from pools to amounts"),
            what="a list of pools, or a mapping from pools to amounts",
        ),
        desc="What it claims of each pool while it runs; in a list, 1 of each.",
        example={"firestore": 1},
        field="claims",
    ),
}

SHELL = Key(
    shape=Text(what="a shell", pattern=r"\S[\s\S]*", hint="write `bash -eu`, say"),
    desc="What `run` is handed to (default `/bin/sh`): a program in PATH or a path, with its options.",
    example="bash -eu",
)

SURROUNDINGS = {
    "env": Key(
        shape=Variables(),
        desc="Environment variables; a task's own come before the root's, and those before the shell's.",
        example={"LOG_LEVEL": "debug"},
    ),
    "env_file": Key(
        shape=ListOf(item=_ENV_FILE, what="a list of files", unique=True),
        desc="Files of environment variables, relative to the graph file; what the shell has comes before them.",
        example=".env",
    ),
    "secrets": Key(
        shape=ListOf(item=VARIABLE, what="a list of names of variables"),
        desc="Environment variables whose values are masked wherever bytes are kept.",
        example=["API_TOKEN"],
    ),
    "workdir": Key(
        shape=Text(what="a folder", pattern=r"[\s\S]+"),
        desc="Where it runs, relative to the graph file (default: where the command was started).",
        example="backend",
    ),
}

TASK = Record(
    what="a mapping with `uses` or `run`",
    foreign=FOREIGN_IN_TASK,
    keys={
        "title": Key(shape=TEXT, desc="What it is called in reports, in a few words.", example="Backend health"),
        "desc": Key(shape=TEXT, desc="What it is for.", example="Waits until every service of the backend is up."),
        "uses": Key(
            shape=_USES,
            desc="The Python function that it runs, in a process of its own. Either this or `run`.",
            example="tasks.health:check",
        ),
        "with": Key(
            shape=Arguments(),
            desc="The function's keyword arguments.",
            example={"base_url": "${{ params.base_url }}"},
            field="arguments",
        ),
        "run": Key(
            shape=Command(),
            desc="The shell command that it runs. Either this or `uses`.",
            example="pytest -q ${{ params.folder }}",
        ),
        "shell": SHELL,
        "needs": Key(
            shape=ListOf(item=TEXT, what="a list of ids", unique=True),
            desc="The tasks and services that must have settled before it may start.",
            example=["config", "backend"],
        ),
        "trigger": Key(
            shape=Word(words={trigger.value: trigger for trigger in Trigger}, foreign=FOREIGN_TRIGGERS),
            desc="How its needs must have ended for it to start (default `all_success`).",
            example="all_done",
        ),
        "if": Key(
            shape=Condition(),
            desc="A condition on data; if it is not true, the task is skipped. Outcomes belong in `trigger`.",
            example="params.deep && needs.config.outputs.count > 0",
            field="condition",
        ),
        **LIMITS,
        "data_prefix": Key(
            shape=Text(what="a prefix", pattern=r"[\s\S]+"),
            desc="How the names of all test records it creates begin; the checkpoint looks for left-overs under it.",
            example="Task_2_",
        ),
        **SURROUNDINGS,
        "matrix": Key(
            shape=Axes(),
            desc="An instance for each combination of some values, which it reads as `matrix.NAME`.",
            example={"python": ["3.11", "3.12"], "os": ["linux", "macos"]},
            field="fan",
        ),
        "foreach": Key(
            shape=Items(),
            desc="An instance for each item of a list, or each file, which it reads as `item`.",
            example="${{ needs.find.outputs.files }}",
            field="fan",
        ),
        "max_parallel": Key(shape=Whole(least=1), desc="How many of its instances may run at once.", example=4),
        "outputs": Key(
            shape=Either(
                short=ListOf(item=_OUTPUT, what="a list of names", unique=True),
                record=MapOf(
                    name=_OUTPUT,
                    item=Word(words={name: name for name in OUTPUT_TYPES}, foreign=FOREIGN_TYPES),
                    what="a mapping from names to types",
                ),
                what="a list of names, or a mapping from names to types",
            ),
            desc="What a command hands on: it writes each into the file that `TASKGRAPH_OUTPUT` names.",
            example={"version": "string", "count": "integer"},
        ),
        "artifacts": Key(
            shape=ListOf(item=_FILE, what="a list of files and globs", unique=True),
            desc="Files and globs that it promises, relative to its folder; they are kept with the run.",
            example=["coverage.xml", "screenshots/**"],
        ),
        "junit": Key(
            shape=ListOf(item=_FILE, what="a list of files and globs", unique=True),
            desc="JUnit files that it writes, relative to its folder; each test in them becomes a check.",
            example=["reports/*.xml"],
        ),
        "sources": Key(
            shape=_FILES,
            desc="Files it depends on, named from the folder it runs in; `!` in front takes away.",
            example=["src/**/*.py", "!src/**/test_*.py"],
        ),
        "generates": Key(
            shape=_FILES,
            desc="Files it makes; if one of them is gone or was changed, it runs again.",
            example=["dist/*.whl"],
        ),
        "tags": Key(shape=ListOf(item=TEXT, what="a list of words"), desc="Words to select it by.", example=["slow"]),
        "manual": Key(
            shape=Flag(),
            desc="Asks a person before it starts (default false), unless `--approve` named it.",
            example=True,
        ),
        "requires": Key(
            shape=MapOf(name=_RESOURCE, item=Number(least=0), what="a mapping from resources to amounts"),
            desc="Resources that a cluster's worker must have for it; on this machine they are taken for granted.",
            example={"gpu": 1},
        ),
        "isolation": Key(
            shape=Word(words={"process": "process", "worker": "worker"}),
            desc="`worker` lets a trusted function run in the process of a cluster's worker; default: `process`.",
            example="worker",
        ),
    },
)
