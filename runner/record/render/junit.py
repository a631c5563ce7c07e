"""The run as JUnit XML, for what a CI server shows of tests. Knows no file but the logs it quotes.

Each task is a case, and so is each check of its last attempt, beside it. An attempt that was tried again is a
`flakyFailure` or `flakyError` where the task succeeded in the end, else a `rerunFailure` or `rerunError`, as in the
schema of Maven Surefire; the order of the elements is that schema's, too. A failure is what a test could find (a failed
check, an exit code); an error is everything that kept the task from its end. A failure that is allowed is skipped with
a word: a server that reads these files would take it for one that is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from runner.record.render.legible import end_of, legible, legible_text, shortened
from runner.record.render.words import check_totals, check_words, totals, value
from runner.record.report import AttemptReport, CheckReport, Report, ServiceReport, TaskReport, without_groups

ORDER = ("failure", "rerunFailure", "flakyFailure", "skipped", "error", "rerunError", "flakyError", "system-out")
"""The order of a case's elements in Surefire's schema; the one of Jenkins takes any."""
FOUND = frozenset({"failed_check", "exit_code"})
"""Causes that are failures; all others are errors."""
LONGEST = 4000
"""How many characters of a message, a value or a traceback are written."""
PRINTED, PRINTED_IN_ALL = 16_384, 2_097_152
"""How many bytes from the end of a log are written, and of all logs together; those of failed tasks come first."""
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even as an entity."""


def render_junit(report: Report, folder: Path) -> str:
    """Write the run as one test suite; `folder` is the run's own."""
    logs = _logs(report, folder)
    cases = [case for task in without_groups(report.tasks) for case in _cases(report, task, logs)]
    cases += [_service(report, each) for each in report.services if each.state == "failed"]
    counts = {name: str(_holding(cases, name)) for name in ("failure", "error", "skipped")}
    figures = {
        "name": _said(report.graph.name),
        "tests": str(len(cases)),
        "failures": counts["failure"],
        "errors": counts["error"],
        "time": _time(report.seconds),
    }
    root = Element("testsuites", figures)
    suite = SubElement(root, "testsuite", {**figures, "skipped": counts["skipped"], "timestamp": report.started})
    suite.append(_properties(report))
    suite.extend(cases)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


# -- the cases ---------------------------------------------------------------------------------------------------------


def _properties(report: Report) -> Element:
    """Answer what the suite as a whole has to say, in the words of the other renderings."""
    known = {
        "run": report.run,
        "graph": report.graph.file,
        "digest": report.graph.digest,
        "verdict": report.verdict,
        "exit_code": str(report.exit_code),
        "started": report.started,
        "finished": report.finished,
        "workers": str(report.workers),
        "critical_path": " → ".join(report.critical_path),
        "totals": totals(report.tasks),
        "checks": check_totals(report),
        "flaky": ", ".join(task.id for task in report.tasks if task.flaky),
        **{f"param.{name}": value(data, LONGEST) for name, data in report.params.items()},
    }
    properties = Element("properties")
    for name, text in known.items():
        SubElement(properties, "property", {"name": _said(name), "value": _said(text)})
    return properties


def _cases(report: Report, task: TaskReport, logs: dict[str, str]) -> Iterator[Element]:
    yield _case_of_task(report, task, logs)
    earlier = [check for check in task.checks if check.verdict == "failed" and not task.counts(check)]
    seen = Counter[str]()
    for check in task.counted:
        seen[check.name] += 1
        again = f" ({seen[check.name]})" if seen[check.name] > 1 else ""
        before = [each for each in earlier if each.name == check.name] if seen[check.name] == 1 else []
        yield _case_of_check(f"{report.graph.name}.{task.id}", again, check, before, excused=not task.required)


def _case_of_task(report: Report, task: TaskReport, logs: dict[str, str]) -> Element:
    case = _case(report.graph.name, task.id, task.seconds)
    begun = [attempt for attempt in task.attempts if attempt.outcome == "failed"]
    if task.failed or task.state == "running":
        last = begun[-1] if begun else None
        _failed(case, task, last)
        for attempt in begun[:-1]:
            _tried_again(case, "rerun", attempt, logs)
    elif not (task.attempts or task.kept_from):
        words = task.reason or task.state
        SubElement(case, "skipped", {"message": _said(f"{task.state.replace('_', ' ')}: {words}")})
    else:
        for attempt in begun:
            _tried_again(case, "flaky", attempt, logs)
    printed = logs.get(task.attempts[-1].log, "") if task.attempts else ""
    if printed:
        SubElement(case, "system-out").text = printed
    case[:] = sorted(case, key=lambda element: ORDER.index(element.tag))
    return case


def _failed(case: Element, task: TaskReport, last: AttemptReport | None) -> None:
    cause, message = (last.cause or "failed", last.message) if last else (task.state, task.reason)
    if not task.required:
        SubElement(case, "skipped", {"message": _said(f"failed (allowed): {message}")})
        return
    found = SubElement(case, _kind(cause, "failure", "error"), {"message": _said(message), "type": cause})
    found.text = _printed(last.traceback or message) if last else _printed(message)


def _tried_again(case: Element, how: str, attempt: AttemptReport, logs: dict[str, str]) -> None:
    cause = attempt.cause or "failed"
    words = {"message": _said(f"attempt {attempt.number}: {attempt.message}"), "type": cause}
    found = SubElement(case, _kind(cause, f"{how}Failure", f"{how}Error"), words)
    SubElement(found, "stackTrace").text = _printed(attempt.traceback or attempt.message)
    if printed := logs.get(attempt.log):
        SubElement(found, "system-out").text = printed


def _case_of_check(
    place: str, again: str, check: CheckReport, before: Sequence[CheckReport], *, excused: bool
) -> Element:
    case = _case(place, f"{check.name}{again}", check.seconds or 0.0)
    words = check_words(check, LONGEST)
    if check.verdict == "failed" and excused:
        SubElement(case, "skipped", {"message": _said(f"failed (allowed): {words}")})
    elif check.verdict == "failed":
        SubElement(case, "failure", {"message": _said(words), "type": "failed_check"}).text = _printed(words)
    for each in before if not (check.verdict == "failed" and excused) else ():
        name = "rerunFailure" if check.verdict == "failed" else "flakyFailure"
        told = f"attempt {each.attempt}: {check_words(each, LONGEST)}"
        SubElement(SubElement(case, name, {"message": _said(told), "type": "failed_check"}), "stackTrace").text = _said(
            told
        )
    if check.verdict == "warning":
        SubElement(case, "system-out").text = _printed(f"warning: {words}")
    return case


def _service(report: Report, service: ServiceReport) -> Element:
    case = _case(f"{report.graph.name}.services", service.id, service.seconds)
    found = SubElement(case, "error", {"message": _said(service.message), "type": "service"})
    found.text = _printed("\n".join(service.lines))
    return case


# -- the helpers -------------------------------------------------------------------------------------------------------


def _case(place: str, name: str, seconds: float) -> Element:
    return Element("testcase", {"classname": _said(place), "name": _said(name), "time": _time(seconds)})


def _kind(cause: str, failure: str, error: str) -> str:
    return failure if cause in FOUND else error


def _holding(cases: Sequence[Element], name: str) -> int:
    return sum(case.find(name) is not None for case in cases)


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"


def _said(text: str) -> str:
    """Answer a text for an attribute: one line of bounded length."""
    return _NO_XML.sub("\ufffd", shortened(legible(text[: 2 * LONGEST]), LONGEST))


def _printed(text: str) -> str:
    """Answer a text of several lines, its end if it is too long: there a traceback says what it was."""
    return _NO_XML.sub("\ufffd", legible_text(text[-2 * LONGEST :])[-LONGEST:])


def _logs(report: Report, folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    room = PRINTED_IN_ALL
    for task in sorted(report.tasks, key=lambda task: not (task.failed or task.flaky)):
        for attempt in task.attempts:
            if attempt.log and room > 0:
                text, before = end_of(folder / attempt.log, min(PRINTED, room))
                told = f"… {before:,} bytes before are in {attempt.log}\n" if before else ""
                found[attempt.log] = _NO_XML.sub("\ufffd", told + legible_text(text))
                room -= len(text)
    return found
