"""The page as a file: whatever is said, it has our own elements, and its data come out as they went in."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runner.record.render.html import embedded, render_html
from runner.record.render.legible import legible
from runner.record.render.page import LOG_OF_FAILED, LOGS, LONGEST, page_data
from runner.record.render.trace import render_trace
from runner.record.report import Report
from runner.task import Cause, Failed
from tests.record.sample import sample_report
from tests.record.test_hostile import HOSTILE, report_of
from tests.record.test_junit import tried

NOWHERE = Path("nowhere")
ESCAPES = st.text(st.sampled_from("<>&!-/scriptSCRIPT\"'\\\u2028\u2029\ud800\x00{}"), max_size=30)


class Elements(HTMLParser):
    """The elements of a page as a browser's parser cuts them, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.scripts: list[str] = []
        self._within = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self._within = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._within = "" if tag == self._within else self._within

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            self.scripts[-1] += data


def read(report: Report) -> Elements:
    """Write a report's page and cut it into elements."""
    return Elements(render_html(report, NOWHERE))


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(said=st.one_of(HOSTILE, ESCAPES))
@example(said="</script><script>alert(1)</script>")
@example(said="<!--<script>")
@example(said="]]>{{script}}\u2028")
def test_a_page_has_our_elements_and_no_others(said: str) -> None:
    """Whatever is said wherever it can be, the elements are those of a harmless page, and the words arrive as said."""
    harmless, found = read(report_of("word")), read(report_of(said))
    data = json.loads(found.scripts[0])
    task = data["tasks"][0]

    assert harmless.tags == found.tags
    assert harmless.scripts[1] == found.scripts[1]
    assert legible(said) == task["attempts"][0]["message"] or not said
    assert [legible(said)] == task["attempts"][0]["left"]
    assert [] == re.findall(
        "[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", json.dumps(data, ensure_ascii=False)
    )


@settings(max_examples=300, deadline=None)
@given(said=st.text(max_size=40), more=ESCAPES)
def test_what_is_embedded_comes_out_as_it_went_in(said: str, more: str) -> None:
    """The data are JSON that no text in them can end, in the middle of a page as well as alone."""
    data = {said: [more, said + more]}
    text = embedded(data)

    assert data == json.loads(text)
    assert not set("<>&\u2028\u2029") & set(text)
    text.encode("utf-8")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(said=HOSTILE)
def test_hostile_texts_stay_texts_in_a_trace(said: str) -> None:
    """Whatever is said, the trace is JSON in plain ASCII with the same events."""
    harmless, found = (json.loads(render_trace(report_of(each)))["traceEvents"] for each in ("word", said))

    assert render_trace(report_of(said)).isascii()
    assert [(event["ph"], event["pid"]) for event in harmless] == [(event["ph"], event["pid"]) for event in found]


def test_the_policy_names_what_is_there() -> None:
    """The digests in the policy are those of the one style and the one script, and nothing else is let in."""
    text = render_html(sample_report(), NOWHERE)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digests = [b64encode(sha256(each.encode()).digest()).decode() for each in (script, style)]

    assert "'none'" == rules["default-src"]
    assert [f"'sha256-{digest}'" for digest in digests] == [rules["script-src"], rules["style-src"]]
    assert {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"} <= set(rules)
    assert "data:" == rules["img-src"]


def test_nothing_in_the_page_leads_elsewhere() -> None:
    """There is no address in the page but that of the drawing language, in its style, its script and its frame."""
    text = render_html(sample_report(), NOWHERE).replace("http://127.0.0.1:8000", "")

    assert {"http://www.w3.org/2000/svg"} == set(re.findall(r"https?://[^\s'\"<)]+", text))


def test_logs_are_bounded(tmp_path: Path) -> None:
    """Of a log of a megabyte the end is in the page, with how much stands before; one that is gone costs nothing."""
    report = tried(Failed(cause=Cause.EXIT_CODE, message="x" * 1_000_000, traceback="y" * 1_000_000))
    gone = page_data(report, tmp_path)["tasks"][0]
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.1.log").write_text("z" * 1_000_000 + "\nthe end\n", encoding="utf-8")
    attempt = page_data(report, tmp_path)["tasks"][0]["attempts"][0]

    assert "" == gone["attempts"][0]["lines"]
    assert attempt["lines"].endswith("z\nthe end\n")
    assert LOG_OF_FAILED == len(attempt["lines"])
    assert "967,241 bytes before are in" == attempt["before"]
    assert (LONGEST, LONGEST) == (len(attempt["message"]), len(attempt["traceback"]))
    assert len(render_html(report, tmp_path)) < 200_000 < LOGS
