"""The keys of the graph file, in one table: what each may hold, what it is for, an example. Data only.

Checking, the JSON Schema and the README's list all read it. The words are those of DESIGN section 4.
"""

from __future__ import annotations

from runner.graph.foreign import (
    FOREIGN_IN_PARAM,
    FOREIGN_IN_READY,
    FOREIGN_IN_RETRY,
    FOREIGN_IN_ROOT,
    FOREIGN_IN_SERVICE,
    FOREIGN_IN_TASK,
    FOREIGN_TRIGGERS,
    FOREIGN_TYPES,
)
from runner.graph.model import Backoff, Trigger
from runner.graph.shape import (
    Arguments,
    Command,
    Condition,
    Duration,
    Either,
    Flag,
    Key,
    ListOf,
    MapOf,
    Number,
    Plain,
    Record,
    Size,
    Text,
    Variables,
    Whole,
    Word,
)
from runner.task import Cause

PARAM_TYPES = ("string", "integer", "number", "boolean", "path", "url", "duration", "size", "list", "map")

_TEXT = Text()
_VARIABLE = Text(
    what="the name of a variable",
    pattern=r"[A-Za-z_][A-Za-z0-9_]*",
    code="bad-name",
    hint="use letters, digits and `_`, and begin with no digit",
)
_PARAM_NAME = Text(
    what="the name of a parameter",
    pattern=r"[A-Za-z_][A-Za-z0-9_-]*",
    code="bad-name",
    hint="use letters, digits, `_` and `-`, and begin with no digit",
)
_POOL_NAME = Text(
    what="the name of a pool",
    pattern=r"[A-Za-z0-9_.:/-]+",
    code="bad-name",
    hint="use letters, digits and any of `_ . : / -`",
)
_ID = Text(
    what="an id",
    pattern=r"[A-Za-z0-9_-][A-Za-z0-9_.-]*",
    code="bad-id",
    hint="use letters, digits, `_`, `-` and `.`, and begin with no dot",
)
_USES = Text(
    what="a function",
    pattern=r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*",
    code="bad-uses",
    hint="write `package.module:function`, such as `tasks.health:check`",
)
_ATTEMPTS = Whole(least=1, hint="it counts all attempts: 1 means no retry")
_CAUSES = Word(words={cause.word: cause for cause in Cause if cause is not Cause.CANCELLED})

_RETRY = Record(
    what="a mapping",
    foreign=FOREIGN_IN_RETRY,
    required=("attempts",),
    keys={
        "attempts": Key(shape=_ATTEMPTS, desc="Attempts in all; 1 means no retry.", example=3),
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

_READY = Record(
    what="a mapping",
    foreign=FOREIGN_IN_READY,
    keys={
        "http": Key(
            shape=Text(what="a path or a URL", pattern=r"(?:/|https?://)\S*", hint="write `/health` or a whole URL"),
            desc="Ready when this path of the service, or this URL, answers with a status below 400.",
            example="/health",
        ),
        "tcp": Key(
            shape=Flag(), desc="Ready when its port takes connections (default if it has a port).", example=True
        ),
        "log": Key(
            shape=_TEXT, desc="Ready when it prints a line in which this pattern is found.", example="listening"
        ),
        "timeout": Key(shape=Duration(zero=False), desc="How long it may take (default 30s).", example="1m"),
    },
)

_POOL = Record(
    what="a mapping",
    foreign={},
    required=("size",),
    keys={
        "size": Key(shape=Whole(least=1), desc="How many may be claimed at once.", example=3),
        "rate": Key(shape=None, desc="How many claims may begin in a stretch of time.", example="10/1m"),
    },
)

_LIMITS = {
    "timeout": Key(
        shape=Duration(zero=False),
        desc="The time one attempt may take, from its real start; then it is killed with all it started.",
        example="10m",
    ),
    "kill_after": Key(shape=Duration(), desc="The time between SIGTERM and SIGKILL (default 5s).", example="10s"),
    "retry": Key(
        shape=Either(short=_ATTEMPTS, record=_RETRY, what="a number of attempts, or a mapping with `attempts`"),
        desc="How many attempts in all, or more about them.",
        example={"attempts": 3, "delay": "2s"},
    ),
    "memory": Key(shape=Size(), desc="The memory one attempt may use. Recorded, but not enforced yet.", example="1GiB"),
    "allow_failure": Key(shape=Flag(), desc="It may fail without failing the run (default false).", example=True),
    "priority": Key(shape=Whole(), desc="Higher starts first (default 0).", example=10),
    "estimate": Key(
        shape=Duration(), desc="How long it is thought to take, while nothing was measured yet.", example="2h"
    ),
    "pools": Key(
        shape=Either(
            short=ListOf(item=_POOL_NAME, what="a list of pools"),
            record=MapOf(name=_POOL_NAME, item=Whole(least=1), what="a mapping from pools to amounts"),
            what="a list of pools, or a mapping from pools to amounts",
        ),
        desc="What it claims of each pool while it runs; in a list, 1 of each.",
        example={"firestore": 1},
        field="claims",
    ),
    "processes": Key(shape=None, desc="How many processes one attempt may have.", example=32),
    "log_limit": Key(shape=None, desc="How much of its output is kept.", example="10MiB"),
}

_SURROUNDINGS = {
    "env": Key(
        shape=Variables(),
        desc="Environment variables; a task's own come before the root's, and those before the shell's.",
        example={"LOG_LEVEL": "debug"},
    ),
    "env_file": Key(shape=None, desc="A file of environment variables.", example=".env"),
    "secrets": Key(
        shape=ListOf(item=_VARIABLE, what="a list of names of variables"),
        desc="Environment variables whose values are masked wherever bytes are kept.",
        example=["API_TOKEN"],
    ),
    "workdir": Key(
        shape=Text(what="a folder", pattern=r"(?s).+"),
        desc="Where it runs, relative to the graph file (default: where the command was started).",
        example="backend",
    ),
}

TASK = Record(
    what="a mapping with `uses` or `run`",
    foreign=FOREIGN_IN_TASK,
    keys={
        "title": Key(shape=_TEXT, desc="What it is called in reports, in a few words.", example="Backend health"),
        "desc": Key(shape=_TEXT, desc="What it is for.", example="Waits until every service of the backend is up."),
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
        "shell": Key(shape=None, desc="The shell for `run`.", example="/bin/bash"),
        "needs": Key(
            shape=ListOf(item=_TEXT, what="a list of ids"),
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
        **_LIMITS,
        "data_prefix": Key(
            shape=Text(what="a prefix", pattern=r"(?s).+"),
            desc="How the names of all test records it creates begin; the checkpoint looks for left-overs under it.",
            example="Task_2_",
        ),
        **_SURROUNDINGS,
        "matrix": Key(
            shape=None, desc="One task for each combination of some values.", example={"python": ["3.11", "3.12"]}
        ),
        "foreach": Key(shape=None, desc="One task for each item of a list.", example="${{ needs.find.outputs.files }}"),
        "max_parallel": Key(shape=None, desc="How many of a fan-out may run at once.", example=4),
        "outputs": Key(shape=None, desc="What a shell command hands on.", example={"version": "version.txt"}),
        "artifacts": Key(shape=None, desc="Files to keep with the run.", example=["coverage.xml"]),
        "junit": Key(shape=None, desc="JUnit files whose cases become checks.", example=["junit.xml"]),
        "sources": Key(shape=None, desc="Files it depends on.", example=["src/**/*.py"]),
        "generates": Key(shape=None, desc="Files it makes.", example=["dist/*.whl"]),
        "cache": Key(shape=None, desc="Not to run it again while nothing it depends on has changed.", example=True),
        "tags": Key(shape=None, desc="Words to select it by.", example=["slow"]),
        "manual": Key(shape=None, desc="To ask before it starts.", example=True),
        "requires": Key(shape=None, desc="Resources that a cluster's worker must have.", example={"gpu": 1}),
        "stagger": Key(shape=None, desc="The time between the starts of a fan-out.", example="1s"),
    },
)

SERVICE = Record(
    what="a mapping with `run`",
    foreign=FOREIGN_IN_SERVICE,
    required=("run",),
    keys={
        "desc": Key(shape=_TEXT, desc="What it is for.", example="The sample backend."),
        "run": Key(
            shape=Command(),
            desc="The shell command that starts it and stays in the foreground.",
            example="uvicorn backend:app --port ${{ services.backend.port }}",
        ),
        "env": _SURROUNDINGS["env"],
        "workdir": _SURROUNDINGS["workdir"],
        "if": Key(
            shape=Condition(),
            desc="A condition on `params`, `env` and `run`; if it is not true, the service is not started.",
            example="params.base_url == ''",
            field="condition",
        ),
        "port": Key(shape=Whole(least=0, most=65535), desc="Its TCP port; 0 chooses a free one.", example=0),
        "ready": Key(shape=_READY, desc="How to see that it is ready.", example={"http": "/health", "timeout": "30s"}),
        "stop_timeout": Key(shape=Duration(), desc="The time between SIGTERM and SIGKILL (default 5s).", example="10s"),
    },
)

PARAM = Record(
    what="a mapping with `type`",
    foreign=FOREIGN_IN_PARAM,
    keys={
        "type": Key(
            shape=Word(words={name: name for name in PARAM_TYPES}, foreign=FOREIGN_TYPES),
            desc="What it may hold (default `string`).",
            example="url",
        ),
        "default": Key(
            shape=Plain(),
            desc="Its value where none is given; without it one must be.",
            example="http://localhost:8000",
        ),
        "enum": Key(shape=Plain(), desc="The only values it may have.", example=["dev", "staging"]),
        "desc": Key(shape=_TEXT, desc="What it is for.", example="The backend to verify."),
    },
)

_DEFAULTS = Record(
    what="a mapping",
    foreign={
        **FOREIGN_IN_TASK,
        "env": "`env` for every task stands at the root",
        "secrets": "`secrets` for every task stand at the root",
        "workdir": "`workdir` for every task stands at the root",
        "needs": "each task names its own `needs`",
        "trigger": "each task has its own `trigger`",
    },
    keys=_LIMITS,
)

ROOT = Record(
    what="a mapping with `tasks`",
    foreign=FOREIGN_IN_ROOT,
    required=("tasks",),
    extra="x_",
    keys={
        "$schema": Key(
            shape=_TEXT, desc="Where the JSON Schema of this file lies, for editors.", example="graph.schema.json"
        ),
        "version": Key(
            shape=Whole(least=1, most=1, hint="this runner reads version 1"),
            desc="The version of this format; there is only 1.",
            example=1,
        ),
        "name": Key(shape=_TEXT, desc="A short name (default: that of the file).", example="phase2"),
        "title": Key(shape=_TEXT, desc="What reports are headed with.", example="Phase 2: verify the backend"),
        "desc": Key(shape=_TEXT, desc="What it is for.", example="Config, power and health at the same time."),
        "params": Key(
            shape=MapOf(name=_PARAM_NAME, item=PARAM, what="a mapping from names to parameters"),
            desc="Typed inputs; `-p name=value` gives them.",
            example={"base_url": {"type": "url", "default": "http://localhost:8000"}},
        ),
        **_SURROUNDINGS,
        "defaults": Key(
            shape=_DEFAULTS, desc="Keys for every task that has none of its own.", example={"timeout": "10m"}
        ),
        "workers": Key(shape=Whole(least=1), desc="How many tasks at once (default: CPUs; `-j` overrides).", example=3),
        "fail_fast": Key(shape=Flag(), desc="Start nothing new after a failure (default false).", example=True),
        "deadline": Key(shape=Duration(zero=False), desc="The time limit of the whole run.", example="2h"),
        "pools": Key(
            shape=MapOf(
                name=_POOL_NAME,
                item=Either(short=Whole(least=1), record=_POOL, what="a size"),
                what="a mapping from pools to sizes",
            ),
            desc="Named limits that tasks claim from.",
            example={"firestore": 3},
        ),
        "include": Key(shape=None, desc="Other graph files, under a namespace.", example={"phase1": "phase1.yaml"}),
        "services": Key(
            shape=MapOf(name=_ID, item=SERVICE, what="a mapping from ids to services"),
            desc="Servers that tasks need: started before the first of them, stopped after the last.",
            example={"backend": {"run": "uvicorn backend:app", "port": 8000, "ready": {"http": "/health"}}},
        ),
        "tasks": Key(
            shape=MapOf(name=_ID, item=TASK, what="a mapping from ids to tasks"),
            desc="The work.",
            example={"hello": {"run": "echo hello"}},
        ),
    },
)

ALL_KEYS = frozenset().union(*(record.keys for record in (ROOT, TASK, SERVICE, PARAM, _RETRY, _READY, _POOL)))
"""Every key there is, wherever it belongs."""
