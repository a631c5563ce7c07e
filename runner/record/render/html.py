"""The page: one HTML file that needs no network, with everything in it. Knows no layout; that is in `web/`.

What programs have said reaches the page as JSON in a block that no text can end, and the script shows it as text and
nothing else: its policy forbids markup from strings, other scripts, styles and pictures, and every request.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from runner.record.render.page import page_data
from runner.record.render.words import check_totals, time_words, totals, verdict
from runner.record.report import Report

WEB = Path(__file__).parent / "web"
SCRIPTS = ("dom.js", "sections.js", "sheet.js", "timeline.js", "graph.js", "table.js", "main.js")
"""What is put together to one script, in this order."""
COLOURS = {"passed": "2e7d4f", "failed": "b3372f"}
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What could end the block of JSON or begin a comment in it, as JSON's own escapes."""


def render_html(report: Report, folder: Path) -> str:
    """Write the page; `folder` is the run's own, whose logs are quoted."""
    style = (WEB / "page.css").read_text(encoding="utf-8")
    script = "\n".join((WEB / name).read_text(encoding="utf-8") for name in SCRIPTS)
    texts = {
        "title": escape(f"{verdict(report)}: {report.graph.name}"),
        "verdict": escape(f"{verdict(report)} {report.graph.name}: {totals(report.tasks)}"),
        "more": escape("; ".join(filter(None, (check_totals(report), time_words(report))))),
        "icon": COLOURS.get(report.verdict, "9a6700"),
        "style": style,
        "style-digest": _digest(style),
        "data": embedded(page_data(report, folder)),
        "script": script,
        "script-digest": _digest(script),
    }
    return _filled((WEB / "page.html").read_text(encoding="utf-8"), texts)


def embedded(data: Mapping[str, Any]) -> str:
    """Write data as JSON that can stand in a script element of a page: nothing in it ends that element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = re.sub("[<>&\u2028\u2029]", lambda found: _UNSAFE[found[0]], text)
    return text.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair becomes JSON's own escape


def _filled(template: str, texts: Mapping[str, str]) -> str:
    """Put the texts into their places, all at once: what one holds is no place for another."""
    return re.sub(r"\{\{([a-z-]+)\}\}", lambda found: texts[found[1]], template)


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()
