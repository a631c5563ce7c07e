"""Every code that a problem of a graph file or of its parameters can have: what is wrong, and an example. Data only."""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, tuple[str, str]] = {
    # the file
    "not-a-file": ("The path leads to a folder, a pipe or a device.", "`python -m runner graphs/`"),
    "unreadable": ("The file may not be read.", "a file of somebody else"),
    "encoding": ("The file is not UTF-8.", "a file saved as UTF-16"),
    "unreadable-character": ("A control character or an invisible mark stands in the text.", "a NUL character"),
    "empty-file": ("There is nothing in the file, or only comments.", "`# later`"),
    "yaml-syntax": ("The text is not YAML, or more than a graph file takes, such as tags.", "`if: !x`"),
    "json-syntax": ("The text is not JSON.", '`{"tasks": {},}`'),
    "duplicate-key": ("A key stands twice in one mapping.", "`run: a` and `run: b` in one task"),
    "bad-number": ("A number is one that JSON does not know.", "`limit: .inf`"),
    "unknown-anchor": ("An alias stands for an anchor that does not come before it.", "`<<: *comon`"),
    "anchor-loop": ("An alias stands inside what its anchor marks.", "`a: &a [*a]`"),
    "too-deep": ("Values lie deeper in each other than 100 levels.", "`[[[…]]]`"),
    "too-big": (
        "The file holds more than 16 MiB, or aliases of aliases stand for more than a million values.",
        "a YAML bomb",
    ),
    # keys and values
    "unknown-key": ("A key is not known here.", "`tiemout: 5m`"),
    "foreign-key": ("A key is another tool's; the hint names ours.", "`depends_on: [a]`"),
    "misplaced-key": ("A key is ours, but belongs elsewhere.", "`defaults: {env: …}`"),
    "missing-key": ("A key that must be there is not.", "a task with neither `uses` nor `run`"),
    "wrong-type": ("A value is of the wrong kind.", "`needs: 5`"),
    "bad-value": ("A value is of the right kind, but not allowed.", "`retry: 0`"),
    "bad-duration": ("A duration has no unit or cannot be read.", "`timeout: 30`"),
    "bad-rate": ("A rate does not say how often in which time.", "`rate: 10`"),
    "bad-size": ("A size has no unit or cannot be read.", "`memory: 512`"),
    "bad-id": ("The id of a task or service has a character that it may not have.", "`run tests: …`"),
    "bad-name": ("The name of a parameter, a variable or a pool has such a character.", "`secrets: [MY-KEY]`"),
    "bad-uses": ("`uses` does not name a function.", "`uses: tasks/health.py`"),
    "uses-and-run": ("A task has both.", "`uses: a.b:c` and `run: make`"),
    "with-without-uses": ("There are arguments, but no function.", "`run: make` and `with: …`"),
    "generates-alone": (
        "A task says which files it makes, but nothing lets it be left out.",
        "`generates: out` without `sources` and `cache`",
    ),
    "without-run": ("A key belongs to a command, and the task is a function.", "`uses: a.b:c` and `shell: bash`"),
    "matrix-and-foreach": ("A task has both.", "`matrix: …` and `foreach: …`"),
    "max-parallel-alone": ("There is a `max_parallel`, but nothing to do several times.", "`max_parallel: 4` alone"),
    "nothing-to-do": ("A fan-out is written out, and there is nothing in it.", "`foreach: []`"),
    "duplicate-item": (
        "The same stands twice in a list, or two items of a fan-out are called the same.",
        "`foreach: [a, a]`",
    ),
    "excludes-nothing": ("There is no combination that an entry of `exclude` meets.", "`exclude: [{os: windwos}]`"),
    "bad-items": (
        "What a parameter or the files on disk come to is no list, or its items cannot be told apart.",
        "`-p suites=a,a`",
    ),
    "several-ready": ("`ready` has more than one of `http`, `tcp`, `log`.", "`ready: {tcp: true, log: up}`"),
    # files of variables
    "no-env-file": ("A file of variables is not there, or cannot be read.", "`env_file: .evn`"),
    "env-syntax": ("A line of such a file is no `NAME=value`, or a quote is not closed.", "`API_TOKEN`"),
    # between tasks
    "unknown-need": ("A task needs what is not there.", "`needs: [biuld]`"),
    "self-need": ("A task needs itself.", "`a: {needs: a}`"),
    "duplicate-need": ("A task needs the same twice.", "`needs: [a, a]`"),
    "duplicate-id": ("A task and a service have one id.", "`services: {a: …}` and `tasks: {a: …}`"),
    "cycle": ("Tasks need each other in a ring.", "`a` needs `b`, `b` needs `a`"),
    "no-such-file": ("A file that is included is not there.", "`include: {phase2: phase_2.yaml}`"),
    "include-cycle": ("Files include each other in a ring.", "`a.yaml` includes `b.yaml`, which includes `a.yaml`"),
    "inner-service": ("A service of an included file is needed from outside.", "`needs: [phase2.backend]`"),
    "pool-sizes": ("Included files give a pool different sizes.", "`db: 3` in one and `db: 2` in the other"),
    "trigger-without-needs": (
        "The trigger asks for needs that are not there.",
        "`trigger: one_failed` alone",
    ),
    "manual-clean-up": ("A clean-up asks before it starts.", "`manual: true` with `trigger: always`"),
    "unknown-pool": ("A task claims from a pool that is not there.", "`pools: [firestor]`"),
    "too-many-claims": ("A task claims more than its pool ever has.", "`pools: {db: 4}` of `db: 3`"),
    "overlapping-prefix": ("One `data_prefix` begins another, or is the same.", "`Task_2` and `Task_20_`"),
    # expressions
    "expression-syntax": ("An expression cannot be read.", "`${{ params.x == }}`"),
    "expression-not-here": ("Expressions are not filled in at this place.", "`timeout: ${{ params.limit }}`"),
    "unknown-name": ("A name in an expression is not there.", "`${{ params.baseurl }}`"),
    "not-here": ("A name is there, but cannot be read at this place.", "`run: … ${{ secrets.KEY }}`"),
    "undeclared-need": (
        "A task reads from another without needing it.",
        "`${{ needs.a.state }}` without `needs: a`",
    ),
    "unsafe-in-shell": (
        "A value in `run` stands where quoting is void, or `shell` knows no such quotes.",
        '`run: echo "${{ params.x }}"`',
    ),
    "unknown-artifact": ("A task promises no such file.", "`${{ needs.a.artifacts['covrage.xml'] }}`"),
    # functions and shells
    "no-such-shell": ("What `shell` names is not there.", "`shell: bahs`"),
    "cannot-import": ("The module of a function cannot be imported.", "`uses: tasks.helth:check`"),
    "no-such-function": ("The module has no such function.", "`uses: tasks.health:chek`"),
    "unknown-argument": ("The function has no such parameter.", "`with: {attemps: 3}`"),
    "missing-argument": ("The function needs a parameter that `with` does not give.", "no `with: {base_url: …}`"),
    "bad-argument": ("An argument is certainly of the wrong type.", '`with: {attempts: "3"}`'),
    "unknown-output": (
        "The function returns, or the command declares, no such output.",
        "`${{ needs.health.outputs.sttus }}`",
    ),
    # parameters of a run
    "unknown-param": ("The graph has no such parameter.", "`-p baseurl=…`"),
    "missing-param": ("A parameter without a default was not given.", "no `-p base_url=…`"),
    "bad-param": ("A value does not fit the type or the `enum` of its parameter.", "`-p port=eighty`"),
    # warnings
    "only-alone": (
        "A key counts only where its file is run by itself, not where it is included (a warning).",
        "`deadline: 1h` in an included file",
    ),
    "unused-service": ("No task needs this service (a warning).", "a service that nothing names"),
}
