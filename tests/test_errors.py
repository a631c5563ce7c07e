"""Problems as text, as plain data and as annotations."""

from __future__ import annotations

import re

from msgspec.structs import replace

from runner.errors import Place, Problem, Related, annotation, render, render_coloured, to_json

PROBLEM = Problem(
    code="unknown-need",
    message="task `deploy` needs `biuld`, which is not a task",
    where=Place(file="graphs/phase2.yaml", line=14, column=13, end=18),
    excerpt="    needs: [biuld]",
    hint="did you mean `build`?",
)


def test_a_problem_reads_from_the_sentence_to_the_hint() -> None:
    """First what is wrong, then where, the line with a mark under the token, and what to do."""
    expected = """\
error[unknown-need]: task `deploy` needs `biuld`, which is not a task
  graphs/phase2.yaml:14:13
    14 |     needs: [biuld]
       |             ^^^^^
  hint: did you mean `build`?
"""

    assert expected == render([PROBLEM])
    assert f"{expected}\n{expected}" == render([PROBLEM, PROBLEM])
    assert "" == render([])


def test_related_places_follow_with_their_notes() -> None:
    """Other places of the same problem are shown below it, numbers in one column, another file by its name."""
    related = (
        Related(
            note="the first one", where=replace(PROBLEM.where or Place(file=""), line=7), excerpt="    needs: [biuld]"
        ),
        Related(note="and there", where=Place(file="other.yaml", line=3, column=1, end=2), excerpt="x: 1"),
    )

    text = render([replace(PROBLEM, note="here", related=related, severity="warning", hint="")])

    assert (
        """\
warning[unknown-need]: task `deploy` needs `biuld`, which is not a task
  graphs/phase2.yaml:14:13
    14 |     needs: [biuld]
       |             ^^^^^ here
     7 |     needs: [biuld]
       |             ^^^^^ the first one
  other.yaml:3:1
     3 | x: 1
       | ^ and there
"""
        == text
    )


def test_a_problem_without_a_place_or_a_line_is_still_a_sentence() -> None:
    """What belongs to no file has no place; what belongs to no line has no excerpt."""
    assert "error[unknown-need]: no\n" == render([Problem(code="unknown-need", message="no")])
    assert "error[e]: no\n  a.yaml:1:1\n" == render([Problem(code="e", message="no", where=Place(file="a.yaml"))])


def test_the_mark_stands_under_the_token_whatever_is_before_it() -> None:
    """Tabs, wide and combining characters, and lines too long to show do not shift the mark."""
    for before in ("\t", "日本: ", "e\u0301: ", "x" * 300, "", "x" * 119):
        line = f"{before}TOKEN{' ' * 20}{before}"
        where = Place(file="a", line=1, column=len(before) + 1, end=len(before) + 6)
        shown, mark = render([replace(PROBLEM, excerpt=line, where=where)]).split("\n")[2:4]
        start, wide = mark.index("^"), shown.count("日") + shown.count("本") - shown.count("\u0301")
        wide -= sum(shown[shown.index("TOKEN") :].count(each) for each in "日本") - shown[shown.index("TOKEN") :].count(
            "\u0301"
        )
        assert shown.index("TOKEN") + wide == start
        assert "^^^^^" == mark[start:].rstrip()
        assert len(shown) < 140


def test_nothing_in_a_problem_can_steer_a_terminal() -> None:
    """Escape sequences from a file are shown, not sent."""
    hostile = "\x1b[2J\x07\u202e"
    problem = replace(PROBLEM, message=hostile, excerpt=f"{hostile} x", hint=hostile)

    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", render([problem]))


def test_colours_add_nothing_but_colours() -> None:
    """Without its escape sequences the coloured text is the plain one."""
    related = (Related(note="there", where=Place(file="graphs/phase2.yaml", line=2), excerpt="a: b"),)
    for severity in ("error", "warning"):
        problem = replace(PROBLEM, related=related, severity=severity)
        coloured = render_coloured([problem])
        assert "\x1b[" in coloured
        assert render([problem]) == re.sub(r"\x1b\[[0-9;]*m", "", coloured)


def test_as_data_a_problem_has_its_place_beside_it() -> None:
    """Tools get the same facts, with the place as numbers."""
    assert {
        "code": "unknown-need",
        "severity": "error",
        "message": PROBLEM.message,
        "hint": PROBLEM.hint,
        "file": "graphs/phase2.yaml",
        "line": 14,
        "column": 13,
        "end": 18,
        "excerpt": PROBLEM.excerpt,
        "related": [],
    } == to_json(PROBLEM)
    assert "file" not in to_json(Problem(code="a", message="b"))


def test_an_annotation_is_one_escaped_line() -> None:
    """GitHub reads one line a problem; what it would take for its own signs is escaped."""
    assert (
        "::error file=graphs/phase2.yaml,line=14,col=13,endColumn=18,title=unknown-need::"
        "task `deploy` needs `biuld`, which is not a task (did you mean `build`?)" == annotation(PROBLEM)
    )
    odd = Problem(code="a", message="50%\nmore", where=Place(file="a,b:c.yaml", line=2), severity="warning")
    assert "::warning file=a%2Cb%3Ac.yaml,line=2,col=1,title=a::50%25%0Amore" == annotation(odd)
    assert "::error title=a::b" == annotation(Problem(code="a", message="b"))
