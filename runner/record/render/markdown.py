"""The report for a pull request or an editor: a short first screen, details folded. Everything said is escaped.

Knows no file but the logs it quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from runner.record.render.legible import last_lines, legible, legible_lines, shortened
from runner.record.render.words import (
    CHECK_SYMBOLS,
    SYMBOLS,
    abridged,
    by_urgency,
    change_words,
    check_totals,
    check_words,
    checks_of,
    counted,
    duration,
    fewer_words,
    in_rows,
    resumed,
    shuffled,
    size,
    state_words,
    time_words,
    totals,
    tried_again,
    value,
    verdict,
)
from runner.record.report import AttemptReport, CheckReport, Report, TaskReport

QUOTED = 20
"""How many last lines of a log or a traceback are quoted."""
LONGEST = 500
"""How many characters of a value are shown; a whole cell may have twice as many."""


CHECKS = 200
"""How many checks of a task are shown."""
FILES = 100
"""How many files that a task kept are shown."""
ROOM = 600_000
"""How many bytes of details are written: GitHub refuses the summary of a job that is larger than 1 MiB."""


def render_markdown(report: Report, folder: Path) -> str:
    """Write the report as Markdown, as GitHub shows it; `folder` is the run's own, and logs are links into it."""
    return _rendered(report, folder, lambda log: f"[log]({quote(log)})")


def render_summary(report: Report, folder: Path) -> str:
    """Write the same for a place from which no link leads into the run's folder."""
    return _rendered(report, folder, lambda log: f"log: {_code(log)}")


# -- the parts ---------------------------------------------------------------------------------------------------------


def _rendered(report: Report, folder: Path, told_of: Callable[[str], str]) -> str:
    shown = in_rows(report.tasks)
    seen = {task.id for task in shown}
    others = [task for task in report.tasks if task.id not in seen]
    lines = [
        f"# {verdict(report)}: {_escaped(report.graph.name)}",
        "",
        f"{'; '.join(filter(None, (totals(report.tasks), check_totals(report))))}.",
        "",
        f"{time_words(report)}.{_critical_path(report)}{_params(report)}",
        "",
        *(line for words in (*tried_again(report), *fewer_words(report)) for line in (f"{_escaped(words)}.", "")),
        *_table(shown),
        *(_folded(totals(others), _table(others)) if others else ()),
        *_services(report),
        *_orphans(report),
        *_changes(report),
    ]
    lines += _all_details(report, folder, told_of)
    ran = f"Run {_code(report.run)} of {_code(report.graph.file)}, {report.started} to {report.finished}."
    told = [line for words in (resumed(report), shuffled(report)) if words for line in (_escaped(words), "")]
    return "\n".join([*lines, "", *told, ran, ""])


def _critical_path(report: Report) -> str:
    return f" Critical path: {' → '.join(map(_code, abridged(report.critical_path)))}." if report.critical_path else ""


def _params(report: Report) -> str:
    given = ", ".join(f"{_code(name)} = {_code(value(data, LONGEST))}" for name, data in report.params.items())
    return f" Parameters: {given}." if given else ""


def _table(tasks: Sequence[TaskReport]) -> Iterator[str]:
    yield "| | task | took | what happened |"
    yield "|---|---|---:|---|"
    for task in tasks:
        took = duration(task.seconds) if task.attempts else ""
        note = f": {task.message}" if task.message else ""
        words = _escaped(state_words(task) + note)
        yield f"| {SYMBOLS.get(task.state, '·')} | {_cell(task.id)} | {took} | {words} |"


def _services(report: Report) -> Iterator[str]:
    for service in report.services:
        if service.state == "failed":
            yield from ("", f"**Service {_code(service.id)} failed**: {_escaped(service.message)}", "")
            yield from _block(legible_lines("\n".join(service.lines))[-QUOTED:])


def _orphans(report: Report) -> Iterator[str]:
    if report.orphans:
        yield from ("", "## Left behind", "", "| task | record | id | prefix |", "|---|---|---|---|")
    for each in report.orphans:
        cells = (each.task, each.name or "", each.id, each.prefix or "")
        yield f"| {' | '.join(map(_cell, cells))} |"


def _changes(report: Report) -> Iterator[str]:
    if report.previous is not None and report.previous.changes:
        yield from ("", "## Changed", "", f"Since run {_code(report.previous.run)}:", "")
        yield from (f"- {_escaped(change_words(change))}" for change in report.previous.changes)


def _all_details(report: Report, folder: Path, told_of: Callable[[str], str]) -> Iterator[str]:
    room, left = ROOM, 0
    for task in by_urgency(report.tasks):
        if (
            not task.checks
            and not task.artifacts
            and not any(attempt.message or attempt.left for attempt in task.attempts)
        ):
            continue
        lines = ["", *_details(task, folder, told_of)] if room > 0 else []
        room -= sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)
        left += room <= 0
        yield from lines if room > 0 else ()
    if left:
        yield from ("", f"Details of {counted(left, 'more task')}: {_code(f'python -m runner show {report.run}')}")


def _details(task: TaskReport, folder: Path, told_of: Callable[[str], str]) -> Iterator[str]:
    checks = f": {checks_of(task)}" if task.counted else ""
    yield f"<details{' open' if task.failed else ''}><summary><code>{_html(task.id)}</code>{checks}</summary>"
    yield ""
    if task.checks:
        yield from ("| | check | what was seen |", "|---|---|---|")
        for check in _first_checks(task):
            seen = _escaped(check_words(check, LONGEST))
            when = "" if task.counts(check) else f"attempt {check.attempt}: "
            yield f"| {CHECK_SYMBOLS[check.verdict]} | {when}{_escaped(check.name)} | {seen} |"
        yield ""
        if len(task.checks) > CHECKS:
            yield from (f"and {len(task.checks) - CHECKS} more", "")
    for attempt in task.attempts:
        yield from _attempt(attempt, folder, told_of)
    if task.artifacts:
        yield from ("| file | size | sha256 | kept as |", "|---|---:|---|---|")
        for file in task.artifacts[:FILES]:
            yield f"| {_cell(file.title)} | {size(file.size)} | {_cell(file.digest[:16])} | {_cell(file.path)} |"
        yield ""
        if len(task.artifacts) > FILES:
            yield from (f"and {counted(len(task.artifacts) - FILES, 'more file')}", "")
    yield "</details>"


def _first_checks(task: TaskReport) -> Sequence[CheckReport]:
    """Answer the checks that are shown, in their order; of too many those that failed come first."""
    if len(task.checks) <= CHECKS:
        return task.checks
    return sorted(task.checks, key=lambda check: ("failed", "warning", "passed").index(check.verdict))[:CHECKS]


def _attempt(attempt: AttemptReport, folder: Path, told_of: Callable[[str], str]) -> Iterator[str]:
    if attempt.message:
        where = f" on {_escaped(attempt.worker)}" if attempt.worker else ""
        yield from (f"Attempt {attempt.number}, {duration(attempt.seconds)}{where}: {_escaped(attempt.message)}", "")
    if attempt.traceback:
        yield from (*_block(legible_lines(attempt.traceback)[-QUOTED:]), "")
    if attempt.log and attempt.outcome == "failed":
        yield from (*_block(last_lines(folder / attempt.log, QUOTED)), "")
    if attempt.log:
        yield from (told_of(attempt.log), "")
    if attempt.left:
        yield from (f"Left behind, and ended: {', '.join(map(_code, attempt.left))}", "")


def _folded(summary: str, lines: Iterator[str]) -> Iterator[str]:
    yield from ("", f"<details><summary>and {_html(summary)}</summary>", "", *lines, "", "</details>")


# -- the escapes -------------------------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    """Keep text text: no markup, no table cell, no line of its own, nobody called by name."""
    one_line = _html(_seen(text))
    return re.sub(r"([\\`*_\[\]|~#$!])", r"\\\1", one_line).replace("@", "&#64;")


def _seen(text: str) -> str:
    return shortened(" ".join(legible(text[: 4 * LONGEST]).split()), 2 * LONGEST)  # a text may be a megabyte


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    """Write text as code; the marks around it are longer than any within."""
    plain = _seen(text)
    marks = _longer_than_any(plain, 1)
    space = " " if "`" in plain else ""
    return f"{marks}{space}{plain}{space}{marks}" if plain else ""


def _cell(text: str) -> str:
    """Write code in a cell of a table, which a bar would end even there."""
    if "|" not in text:
        return _code(text)
    plain = _seen(text)
    numbered = re.sub(r"[^ a-zA-Z0-9.:/-]", lambda found: f"&#{ord(found[0])};", plain)
    return f"<code>{numbered}</code>"


def _block(lines: Sequence[str]) -> Iterator[str]:
    if lines:
        marks = _longer_than_any("\n".join(lines), 3)
        yield from (f"{marks}text", *(shortened(line, LONGEST) for line in lines), marks)


def _longer_than_any(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)
