"""Expressions: what they are worth, what they read, and what is said when they are wrong.

Expected values follow GitHub's "Evaluate expressions in workflows and actions" and the rules in DESIGN section 4.
"""

from __future__ import annotations

from typing import Any

import pytest

from runner.graph.values import (
    EvaluationError,
    Expression,
    ExpressionError,
    Template,
    command_text,
    evaluate,
    functions_called,
    is_true,
    parse,
    parse_bare,
    references,
)
from runner.task import PORT_MARK

SCOPE: dict[str, Any] = {
    "params": {
        "name": "Ada L",
        "n": 3,
        "half": 0.5,
        "one": 1.0,
        "no": False,
        "nothing": None,
        "list": ["a b", 2, True],
    },
    "needs": {"phase2.checkpoint": {"outputs": {"rows": [{"id": "x1"}, {"id": "x2"}], "count": 2}}},
    "env": {"HOME": "/home/ada"},
    "run": {"id": "r-1"},
}

WORTH = [
    ("null", None),
    ("true", True),
    ("-2.5e1", -25.0),
    ("0xfF", 255),
    ("'it''s'", "it's"),
    ("params.name", "Ada L"),
    ("params['name']", "Ada L"),
    ("params.n", 3),
    ("needs['phase2.checkpoint'].outputs.rows[1].id", "x2"),
    ("needs['phase2.checkpoint'].outputs['rows'][0]['id']", "x1"),
    ("params.list[params.n]", None),
    ("params.list[needs['phase2.checkpoint'].outputs.count]", True),
    ("params.missing", None),
    ("params.missing.further[3]", None),
    ("params.name.length", None),
    ("params.list[0.5]", None),
    ("params.list[-1]", None),
    ("env.NOT_SET", None),
    ("!params.no", True),
    ("!!params.name", True),
    ("!params.nothing && !0 && !''", True),
    # operands, not truths
    ("params.nothing || 'default'", "default"),
    ("params.name || 'default'", "Ada L"),
    ("params.no && params.name", False),
    ("params.n && params.name", "Ada L"),
    ("params.no && 1 || 2", 2),
    ("params.n == 3 && 'three' || 'other'", "three"),
    ("params.nothing || params.no || 0", 0),
    # && binds tighter than ||, comparisons tighter than both, ! tightest
    ("true || false && false", True),
    ("(true || false) && false", False),
    ("1 < 2 == true", True),
    ("!true == false", True),
    ("'a' == 'b' || 'c' == 'c'", True),
    # loose equality
    ("'ABC' == 'abc'", True),
    ("'1' == 1", True),
    ("' 1.0 ' == 1", True),
    ("'' == 0", True),
    ("null == 0", True),
    ("null == false", True),
    ("null == ''", True),
    ("true == 1", True),
    ("true == '1'", True),
    ("true == 'true'", False),
    ("'x' == 0", False),
    ("1 == 1.0", True),
    ("params.list == params.list", True),
    ("params.list == fromJSON('[\"a b\", 2, true]')", False),
    ("params.list == 'a b'", False),
    ("params.list != null", True),
    ("params == params.list || params.list == params", False),
    ("params == params", True),
    ("params == '' || params == 0", False),
    ("1 != 2", True),
    # order
    ("2 > 1 && 1 < 2 && 2 >= 2 && 2 <= 2", True),
    ("'10' > 9", True),
    ("'b' > 'A'", True),
    ("'x' > 1 || 'x' < 1 || 'x' == 1", False),
    ("null >= null", True),
    ("null > null", False),
    ("params.list > 1", False),
    # functions, whose case does not matter
    ("contains('Hello world', 'WORLD')", True),
    ("contains(params.list, 'A B')", True),
    ("contains(params.list, '2')", True),
    ("contains(params.list, 'a')", False),
    ("CONTAINS('abc', 'b')", True),
    ("contains(params, 'x')", False),
    ("contains(123, 2)", True),
    ("startsWith('Hello', 'he')", True),
    ("startsWith('Hello', 'lo')", False),
    ("endsWith('Hello', 'LO')", True),
    ("format('{0}-{1}-{0}', 'a', 2)", "a-2-a"),
    ("format('{{{0}}}', 'x')", "{x}"),
    ("format('nothing')", "nothing"),
    ("join(params.list, ' + ')", "a b + 2 + true"),
    ("join(params.list)", "a b,2,true"),
    ("join('alone', '-')", "alone"),
    ("toJSON(needs['phase2.checkpoint'].outputs.rows[0])", '{\n  "id": "x1"\n}'),
    ("toJSON(null)", "null"),
    ("fromJSON('{\"a\": [1, 2.5, null]}').a", [1, 2.5, None]),
    ("fromJSON('true')", True),
    ("fromJSON(toJSON(params.list))[0]", "a b"),
    ("contains(fromJSON('[\"push\", \"pull\"]'), 'push')", True),
]


@pytest.mark.parametrize(("source", "expected"), WORTH)
def test_an_expression_is_worth_what_github_says(source: str, expected: Any) -> None:
    """A lone expression evaluates to its value and keeps its type."""
    worth = evaluate(parse(f"${{{{ {source} }}}}"), SCOPE)

    assert (type(expected), expected) == (type(worth), worth)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (10**20, "100000000000000000000"),
        (1.0, "1"),
        (-0.5, "-0.5"),
        (0.1 + 0.2, "0.3"),
        (1e21, "1E+21"),
        (1e-7, "1E-07"),
        ("text", "text"),
        (["a", 1], '["a", 1]'),
        ({"ü": None}, '{"ü": null}'),
    ],
)
def test_inside_text_a_value_becomes_text(value: Any, expected: str) -> None:
    """Within a text, values are written as GitHub writes them, lists and mappings as JSON."""
    worth = evaluate(parse("<${{ params.x }}>"), {"params": {"x": value}})

    assert f"<{expected}>" == worth


def test_plain_text_stays_as_it_is() -> None:
    """Text without `${{` is no expression, whatever else is in it."""
    for text in ("", "plain", "${HOME} $(date) {{ jinja }}", "$ {{ x }}", "}}"):
        assert text == parse(text)


def test_values_are_filled_in_however_deep_they_stand() -> None:
    """Lists and mappings are filled in to the bottom; what is no expression is left alone."""
    value = {"a": [parse("${{ params.n }}"), {"b": parse("n=${{ params.n }}")}], "c": 1, "d": None, "e": parse("x")}

    assert {"a": [3, {"b": "n=3"}], "c": 1, "d": None, "e": "x"} == evaluate(value, SCOPE)


def test_braces_inside_quotes_do_not_end_an_expression() -> None:
    """`}}` within a quoted text belongs to the text."""
    value = parse("${{ format('{{}}{0}', '}}') }} and ${{ '${{' }}")

    assert isinstance(value, Template)
    assert "{}}} and ${{" == evaluate(value, SCOPE)


@pytest.mark.parametrize(
    "source", ["params.n > 2", "${{ params.n > 2 }}", "  ${{ params.n > 2 }}\n", " params.n > 2\n"]
)
def test_a_condition_may_be_bare(source: str) -> None:
    """A condition means the same with and without `${{ }}`."""
    condition = parse_bare(source)

    assert is_true(condition, SCOPE)
    assert not is_true(condition, {"params": {"n": 2}})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        *((source, False) for source in ("0", "0.0", "-0", "''", "null", "false", "params.missing")),
        *(
            (source, True)
            for source in ("-1", "' '", "'0'", "'false'", "params.list", "fromJSON('[]')", "fromJSON('{}')")
        ),
    ],
)
def test_truth_is_githubs(source: str, expected: bool) -> None:
    """All is true but false, null, 0 and the empty text; lists and mappings are true even when empty."""
    assert expected == is_true(parse_bare(source), SCOPE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("echo ${{ params.name }}", "echo 'Ada L'"),
        ("echo ${{ params.n }}", "echo 3"),
        ("pytest ${{ params.list }} -q", "pytest 'a b' 2 true -q"),
        ("echo ${{ params.nothing }}|cat", "echo ''|cat"),
        ("echo ${{ params.evil }}", "echo '$(rm -rf /); '\"'\"'`x`'"),
        ("echo --x=${{ params.map }}", "echo --x='{\"a\": 1}'"),
        ("echo plain $HOME", "echo plain $HOME"),
        ("${{ params.name }}", "'Ada L'"),
        ("serve ${{ params.port }}", f"serve '{PORT_MARK}'"),
    ],
)
def test_in_a_command_each_value_is_quoted_for_the_shell(text: str, expected: str) -> None:
    """Every value is one word to the shell, a list one word for each item."""
    scope = {"params": {**SCOPE["params"], "evil": "$(rm -rf /); '`x`", "map": {"a": 1}, "port": PORT_MARK}}

    assert expected == command_text(parse(text), scope)


def test_a_nul_cannot_get_into_a_command() -> None:
    """A value with a NUL character, which no command can hold, is a fault and not a shorter command."""
    with pytest.raises(EvaluationError, match="NUL"):
        command_text(parse("echo ${{ params.x }}"), {"params": {"x": "a\0b"}})


def test_references_name_everything_that_is_read() -> None:
    """Each name is found with its root and the place of each piece, wherever it stands."""
    text = (
        "a ${{ needs['x.y'].outputs[0] }} ${{ contains(params.a, env.B) && !run.id }} ${{ needs[params.which].state }}"
    )

    found = references({"deep": [parse(text)]})

    assert [
        ("needs", "x.y", "outputs", 0),
        ("params", "a"),
        ("env", "B"),
        ("run", "id"),
        ("needs",),
        ("params", "which"),
    ] == [each.path for each in found]
    assert [False] * 4 + [True, False] == [each.cut for each in found]
    for each in found:
        pieces = [text[offset : offset + length] for offset, length in each.spans]
        assert [repr(piece) if "." in str(piece) else str(piece) for piece in each.path] == pieces


def test_functions_called_are_found() -> None:
    """Calls are found inside of other calls, spelt the one right way."""
    called = functions_called(parse("x${{ join(fromjson('[]'), '') }}"))

    assert ["join", "fromJSON"] == [call.function for call in called]


WRONG = [
    ("${{ }}", 4, 1, "empty"),
    ("${{", 0, 3, "never closed"),
    ("x ${{ 'a }} y", 2, 3, "never closed"),
    ("${{ a b }}", 6, 1, "`b` is not expected"),
    ("${{ a == }}", 9, 1, "missing"),
    ("${{ == a }}", 4, 2, "missing before `==`"),
    ("${{ (a }}", 4, 1, "never closed by `)`"),
    ("${{ a[0 }}", 5, 1, "never closed by `]`"),
    ("${{ a. }}", 7, 1, "missing after the `.`"),
    ("${{ a.0 }}", 5, 2, "`[0]`"),
    ("${{ a .5 }}", 6, 2, "`.5` is not expected"),
    ("${{ a.* }}", 6, 1, "`*`"),
    ('${{ "a" }}', 4, 1, '`"`'),
    ("${{ a = b }}", 6, 1, "`=`"),
    ("${{ a & b }}", 6, 1, "`&`"),
    ("${{ a | b }}", 6, 1, "`|`"),
    ("${{ a ? b : c }}", 6, 1, "`?`"),
    ("${{ a + 1 }}", 6, 1, "`+`"),
    ("${{ a, b }}", 5, 1, "`,` is not expected"),
    ("${{ f(a) }}", 4, 1, "no function `f`"),
    ("${{ contains(a) }}", 4, 8, "takes 2 arguments, not 1"),
    ("${{ toJSON() }}", 4, 6, "takes 1 argument, not 0"),
    ("${{ join(a, b, c) }}", 4, 4, "takes 1 or 2 arguments, not 3"),
    ("${{ contains(a, ) }}", 16, 1, "missing before `)`"),
    ("${{ format('{1}', a) }}", 4, 6, "no argument for `{1}`"),
    ("${{ success() }}", 4, 9, "trigger"),
    ("${{ failure() && x }}", 4, 9, "trigger"),
    ("${{ 1e999 }}", 4, 5, "larger"),
    ("${{ " + "9" * 400 + " }}", 4, 400, "larger"),
    ("${{ " + "(" * 51 + "1" + ")" * 51 + " }}", 54, 1, "deeper"),
    ("${{ " + "!" * 51 + "1 }}", 54, 1, "deeper"),
    ("${{ 1" + " == 1" * 51 + " }}", 256, 1, "deeper"),
]


@pytest.mark.parametrize(("text", "offset", "length", "words"), WRONG)
def test_a_wrong_expression_says_what_and_where(text: str, offset: int, length: int, words: str) -> None:
    """What is wrong is named, and the very characters that are meant."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)

    assert (offset, length) == (caught.value.offset, caught.value.length)
    assert words in caught.value.message


def test_long_chains_and_deep_paths_do_not_exhaust_the_stack() -> None:
    """`&&`, `||` and `.name` may be written a thousand times in a row."""
    chain = parse("${{ " + " || ".join(["params.no"] * 5000) + " || 'end' }}")
    path = parse("${{ params" + ".x" * 5000 + " }}")

    assert "end" == evaluate(chain, SCOPE)
    assert evaluate(path, SCOPE) is None
    assert 5000 == len(references(chain))
    assert 5001 == len(references(path)[0].path)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("fromJSON('{')", "not JSON"),
        ("fromJSON('NaN')", "not JSON"),
        ("format(params.name2, 1)", ""),
        ("format('{0} {2}', 1, params.n, params.n)", ""),
        ("format(params.pattern, 1)", "`{7}`"),
        ("format(params.brace, 1)", "`{`"),
        ("nowhere.x", "`nowhere` is not known"),
    ],
)
def test_what_only_fails_when_running_is_a_fault_with_a_sentence(source: str, words: str) -> None:
    """A function that meets a value it cannot use says so; nothing else is ever raised."""
    value = parse(f"${{{{ {source} }}}}")
    scope = {"params": {"n": 1, "pattern": "{7}", "brace": "a { b"}}

    if words:
        with pytest.raises(EvaluationError, match=words.replace("{", r"\{").replace("}", r"\}")):
            evaluate(value, scope)
    else:
        assert isinstance(evaluate(value, scope), str)


def test_a_digest_over_files_changes_with_their_content(tmp_path: Any) -> None:
    """`hashFiles` answers one digest for the files its patterns meet, the same for the same content, "" for none."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "deep" / "er" / "b.txt").write_text("2")
    (tmp_path / "deep" / "c.log").write_text("3")

    def digest(*patterns: str) -> Any:
        listed = ", ".join(f"'{pattern}'" for pattern in patterns)
        return evaluate(parse(f"${{{{ hashFiles({listed}) }}}}"), {}, folder=str(tmp_path))

    both, top, none = digest("**/*.txt"), digest("*.txt"), digest("*.md")
    assert "" == none
    assert len({both, top, digest("**"), digest("deep/**")}) == 4
    assert top == digest("**/*.txt", "!deep/**")
    assert both == digest("deep/er/b.txt", "a.txt") == digest("a.txt", "deep/er/b.txt") == digest("**/*.txt", "*.txt")
    (tmp_path / "a.txt").write_text("1.1")
    assert both != digest("**/*.txt")


def test_parsed_values_can_be_compared_and_hashed() -> None:
    """Expressions are frozen data: equal texts give equal values."""
    first, second = parse("a ${{ params.x }}"), parse("a ${{ params.x }}")

    assert first == second
    assert isinstance(parse("${{ params.x }}"), Expression)
    assert 1 == len({first, second})
