"""A report on a stream, in the form that was asked for. Knows which rendering, not what is in it."""

from __future__ import annotations

import argparse
from typing import TextIO

from runner.cli.style import coloured, width_of
from runner.record.folder import RunFolder
from runner.record.render.json import render_json
from runner.record.render.text import COLOURED, PLAIN, render_text
from runner.record.report import Report


def show_report(report: Report, folder: RunFolder, stream: TextIO, chosen: argparse.Namespace) -> None:
    """Print a report: JSON with `--json`, else the summary in the stream's width and colours."""
    if chosen.json:
        stream.write(render_json(report))
        return
    style = COLOURED if coloured(stream, chosen.color) else PLAIN
    stream.write(render_text(report, folder.path, style, width_of(stream)) + "\n")
