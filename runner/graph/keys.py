"""The keys of the graph file, in one table: what each may hold, what it is for, an example. Data only.

Checking, the JSON Schema and the README's list all read it. The words are those of DESIGN section 4.
"""

from __future__ import annotations

from runner.graph.foreign import (
    FOREIGN_IN_DEFAULTS,
    FOREIGN_IN_INCLUDE,
    FOREIGN_IN_PARAM,
    FOREIGN_IN_POOL,
    FOREIGN_IN_READY,
    FOREIGN_IN_ROOT,
    FOREIGN_IN_SERVICE,
    FOREIGN_TYPES,
)
from runner.graph.model import Trigger
from runner.graph.shape import (
    Arguments,
    Command,
    Condition,
    Duration,
    Either,
    Flag,
    Key,
    MapOf,
    Often,
    Plain,
    Record,
    Text,
    Whole,
    Word,
)
from runner.graph.task_keys import ATTEMPTS, LIMITS, POOL_NAME, RETRY, ROUNDS, SHELL, SURROUNDINGS, TASK, TEXT

PARAM_TYPES = ("string", "integer", "number", "boolean", "path", "url", "duration", "size", "list", "map")

_PARAM_NAME = Text(
    what="the name of a parameter",
    pattern=r"[A-Za-z_][A-Za-z0-9_-]*",
    code="bad-name",
    hint="use letters, digits, `_` and `-`, and begin with no digit",
)
_ID = Text(
    what="an id",
    pattern=r"[A-Za-z0-9_-][A-Za-z0-9_.-]*",
    code="bad-id",
    hint="use letters, digits, `_`, `-` and `.`, and begin with no dot",
)

READY = Record(
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
        "log": Key(shape=TEXT, desc="Ready when it prints a line in which this pattern is found.", example="listening"),
        "timeout": Key(shape=Duration(zero=False), desc="How long it may take (default 30s).", example="1m"),
    },
)

POOL = Record(
    what="a mapping with `size`",
    foreign=FOREIGN_IN_POOL,
    required=("size",),
    keys={
        "size": Key(shape=Whole(least=1), desc="How many may be claimed at once.", example=3),
        "rate": Key(
            shape=Often(),
            desc="How often it may be claimed: so many claims may begin within any such time.",
            example="10/m",
        ),
    },
)

SERVICE = Record(
    what="a mapping with `run`",
    foreign=FOREIGN_IN_SERVICE,
    required=("run",),
    keys={
        "desc": Key(shape=TEXT, desc="What it is for.", example="The sample backend."),
        "run": Key(
            shape=Command(),
            desc="The shell command that starts it and stays in the foreground.",
            example="uvicorn backend:app --port ${{ services.backend.port }}",
        ),
        "env": SURROUNDINGS["env"],
        "workdir": SURROUNDINGS["workdir"],
        "if": Key(
            shape=Condition(),
            desc="A condition on `params`, `env` and `run`; if it is not true, the service is not started.",
            example="params.base_url == ''",
            field="condition",
        ),
        "port": Key(shape=Whole(least=0, most=65535), desc="Its TCP port; 0 chooses a free one.", example=0),
        "ready": Key(shape=READY, desc="How to see that it is ready.", example={"http": "/health", "timeout": "30s"}),
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
        "desc": Key(shape=TEXT, desc="What it is for.", example="The backend to verify."),
    },
)

_GROUP_NAME = Text(
    what="the name of a group",
    pattern=r"[A-Za-z0-9_-]+",
    code="bad-id",
    hint="use letters, digits, `_` and `-`; a dot stands between it and the ids of its tasks",
)
_FILE = Text(what="the path of a graph file", pattern=r"[^\0]+")

INCLUDE = Record(
    what="a mapping with `file`",
    foreign=FOREIGN_IN_INCLUDE,
    required=("file",),
    keys={
        "file": Key(shape=_FILE, desc="The graph file, relative to this one.", example="phase2.yaml"),
        "with": Key(
            shape=Arguments(),
            desc="Values for its parameters; they may read `params` of this file.",
            example={"base_url": "${{ params.base_url }}"},
            field="handed",
        ),
        "needs": TASK.keys["needs"],
        "trigger": Key(
            shape=Word(
                words={each.value: each for each in Trigger if each is not Trigger.ALWAYS},
                foreign={"always": "all_done"},
            ),
            desc="How its needs must have ended for its tasks to begin (default `all_success`).",
            example="all_done",
        ),
        "if": Key(
            shape=Condition(),
            desc="A condition on data; if it is not true, all its tasks are skipped.",
            example="params.deep",
            field="condition",
        ),
        "retry": Key(
            shape=Either(short=ATTEMPTS, record=ROUNDS, what="a number of rounds, or a mapping with `attempts`"),
            desc="How many rounds in all: once all of it is over and something failed, all its tasks run again.",
            example={"attempts": 2, "delay": "10s"},
        ),
    },
)

_DEFAULTS = Record(
    what="a mapping",
    foreign=FOREIGN_IN_DEFAULTS,
    keys={**LIMITS, "shell": SHELL},
)

ROOT = Record(
    what="a mapping with `tasks`",
    foreign=FOREIGN_IN_ROOT,
    extra="x_",
    keys={
        "$schema": Key(
            shape=TEXT, desc="Where the JSON Schema of this file lies, for editors.", example="graph.schema.json"
        ),
        "version": Key(
            shape=Whole(least=1, most=1, hint="this runner reads version 1"),
            desc="The version of this format; there is only 1.",
            example=1,
        ),
        "name": Key(shape=TEXT, desc="A short name (default: that of the file).", example="phase2"),
        "title": Key(shape=TEXT, desc="What reports are headed with.", example="Phase 2: verify the backend"),
        "desc": Key(shape=TEXT, desc="What it is for.", example="Config, power and health at the same time."),
        "params": Key(
            shape=MapOf(name=_PARAM_NAME, item=PARAM, what="a mapping from names to parameters"),
            desc="Typed inputs; `-p name=value` gives them.",
            example={"base_url": {"type": "url", "default": "http://localhost:8000"}},
        ),
        **SURROUNDINGS,
        "defaults": Key(
            shape=_DEFAULTS, desc="Keys for every task that has none of its own.", example={"timeout": "10m"}
        ),
        "workers": Key(shape=Whole(least=1), desc="How many tasks at once (default: CPUs; `-j` overrides).", example=3),
        "fail_fast": Key(shape=Flag(), desc="Start nothing new after a failure (default false).", example=True),
        "deadline": Key(shape=Duration(zero=False), desc="The time limit of the whole run.", example="2h"),
        "pools": Key(
            shape=MapOf(
                name=POOL_NAME,
                item=Either(short=Whole(least=1), record=POOL, what="a whole number"),
                what="a mapping from pools to sizes",
            ),
            desc="Named limits that tasks claim from.",
            example={"firestore": 3},
        ),
        "include": Key(
            shape=MapOf(
                name=_GROUP_NAME,
                item=Either(short=_FILE, record=INCLUDE, what="the path of a graph file, or a mapping with `file`"),
                what="a mapping from names to graph files",
            ),
            desc="Other graph files, each a group of tasks `NAME.ID`.",
            example={"phase1": "phase1.yaml"},
        ),
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

ALL_KEYS = frozenset().union(*(record.keys for record in (ROOT, TASK, SERVICE, PARAM, RETRY, READY, POOL, INCLUDE)))
"""Every key there is, wherever it belongs."""
