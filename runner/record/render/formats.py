"""A report in each of its formats, and which of them a run's folder gets. Each is loaded when it is wanted."""

# ruff: noqa: PLC0415  # a run that writes no page need not load what draws one

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from runner.errors import RunnerFault, UsageError
from runner.record.folder import RunFolder, in_utf_8, write_pieces
from runner.record.report import Report

FILES = {
    "json": "report.json",
    "md": "report.md",
    "html": "report.html",
    "junit": "junit.xml",
    "trace": "trace.json",
}
"""The file of each format in a run's folder."""
ALWAYS = ("json", "md")
"""What every run writes."""
IN_CI = ("html", "junit", "trace")
"""What a run writes besides where `CI` is set."""


def rendered(report: Report, folder: RunFolder, wanted: str) -> str:
    """Write a report in one of the formats of `FILES`; `folder` is the run's own, whose logs are quoted."""
    match wanted:
        case "json":
            from runner.record.render.json import render_json

            return render_json(report)
        case "md":
            from runner.record.render.markdown import render_markdown

            return render_markdown(report, folder.path)
        case "html":
            from runner.record.render.html import render_html

            return render_html(report, folder.path)
        case "junit":
            from runner.record.render.junit import render_junit

            return render_junit(report, folder.path)
    assert wanted == "trace", wanted
    from runner.record.render.trace import render_trace

    return render_trace(report)


def write_reports(report: Report, folder: RunFolder, formats: Iterable[str]) -> None:
    """Write a report into its run's folder in these formats.

    Raises:
        RunnerFault: the disk does not take it.

    """
    from runner.record.render.json import json_pieces

    for each in formats:
        content = json_pieces(report) if each == "json" else [in_utf_8(rendered(report, folder, each))]
        write_pieces(folder.path / FILES[each], content)


def formats_of(wanted: Iterable[str], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Answer the formats a run is written in, each once: those of every run, those asked for, those of a CI server."""
    return tuple(dict.fromkeys((*ALWAYS, *wanted, *(IN_CI if environment.get("CI") else ()))))


def formats_named(text: str) -> tuple[str, ...]:
    """Read a list of formats such as `html,junit`; `all` is each of them.

    Raises:
        UsageError: there is no such format.

    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in {*FILES, "all"}:
            raise UsageError(f"there is no report format `{name}`; there are {', '.join(FILES)}, or all of them: all")
    return tuple(FILES) if "all" in names else tuple(names)


def append_summary(report: Report, folder: RunFolder, file: Path) -> None:
    """Append the report as Markdown to the file that GitHub shows as the summary of a job.

    Raises:
        RunnerFault: it cannot be written.

    """
    from runner.record.render.markdown import render_summary

    try:
        with file.open("a", encoding="utf-8", errors="backslashreplace") as summary:
            summary.write(render_summary(report, folder.path) + "\n")
    except OSError as error:  # a border: the file is GitHub's
        raise RunnerFault(f"{file} cannot be written: {error.strerror}") from error
