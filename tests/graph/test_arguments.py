"""`with` against the parameters of functions, and reads of outputs against what functions return."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.errors import Problem, render
from runner.graph.arguments import check_arguments
from runner.graph.check import Loaded, load
from runner.task import Parameter, Signature

CHECK = Signature(
    uses="tasks.health:check",
    parameters=(
        Parameter(name="base_url", type="str", required=True),
        Parameter(name="strict", type="bool", required=False),
        Parameter(name="max_wait", type="float", required=False),
        Parameter(name="attempts", type="int | None", required=False),
        Parameter(name="services", type="list", required=False),
        Parameter(name="options", type="", required=False),
    ),
    outputs={"status": "str", "healthy": "bool", "latency_ms": "float | None", "history": "list", "anything": ""},
)
ANY = Signature(uses="tasks.any:run", parameters=(), accepts_any=True, outputs=None)
NONE = Signature(uses="tasks.none:run", parameters=())
SIGNATURES: dict[str, Signature | Problem] = {each.uses: each for each in (CHECK, ANY, NONE)}


def said(folder: Path, text: str, signatures: dict[str, Signature | Problem] | None = None) -> str:
    """Answer what is said about a graph whose guilty tokens are marked `⟦…⟧`; the places are compared here."""
    marked: list[tuple[int, int, int]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        at = 0
        for index, piece in enumerate(line.replace("⟧", "⟦").split("⟦")):
            if index % 2:
                marked.append((number, at + 1, at + 1 + len(piece)))
            at += len(piece)
    found = check_arguments(loaded(folder, text), SIGNATURES if signatures is None else signatures)
    assert marked == [(each.where.line, each.where.column, each.where.end) for each in found if each.where], render(
        found
    )
    return "\n".join(f"{each.code}: {each.message} ({each.hint})" for each in found)


def loaded(folder: Path, text: str) -> Loaded:
    """Load a text without its marks."""
    path = folder / "graph.yaml"
    path.write_text(text.replace("⟦", "").replace("⟧", ""), "utf-8")
    return load(str(path))


def test_files_and_outputs_of_commands_have_types(tmp_path: Path) -> None:
    """A promised file is a path, a glob a list; an output of a command is what it was declared as."""
    text = """
tasks:
  c: {run: x, artifacts: [a.xml, "*.png"], outputs: {n: integer, s: string, f: number, l: list, b: boolean}}
  t:
    uses: tasks.health:check
    needs: [c]
    with:
      base_url: ⟦"${{ needs.c.artifacts['*.png'] }}"⟧
      services: ⟦"${{ needs.c.artifacts['a.xml'] }}"⟧
      attempts: ⟦"${{ needs.c.outputs.s }}"⟧
      max_wait: ⟦"${{ needs.c.outputs.l }}"⟧
      strict: ⟦"${{ needs.c.outputs.n }}"⟧
  u:
    uses: tasks.health:check
    needs: [c]
    with:
      base_url: "${{ needs.c.artifacts['a.xml'] }}"
      services: "${{ needs.c.artifacts['*.png'] }}"
      attempts: "${{ needs.c.outputs.n }}"
      max_wait: "${{ needs.c.outputs.f }}"
      strict: "${{ needs.c.outputs.b }}"
"""
    found = said(tmp_path, text)

    assert [
        "`base_url` must be str, not list",
        "`services` must be list, not str",
        "`attempts` must be int | None, not str",
        "`max_wait` must be float, not list",
        "`strict` must be bool, not int",
    ] == [line.split(": ", 1)[1].rpartition(" (")[0] for line in found.splitlines()]


def task(arguments: str, head: str = "") -> str:
    """Write a graph of one task with these arguments."""
    return f"{head}\ntasks:\n  t:\n    uses: tasks.health:check\n    with: {arguments}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        "{base_url: u}",
        "{base_url: u, strict: true, max_wait: 1.5, attempts: 3, services: [a], options: {b: 1}}",
        "{base_url: u, max_wait: 30, attempts: null, options: 5}",
        "{base_url: '${{ params.text }}', attempts: '${{ params.whole }}', max_wait: '${{ params.wait }}'}",
        "{base_url: 'x${{ params.whole }}', attempts: '${{ params.maybe }}', strict: '${{ !params.text }}'}",
        "{base_url: '${{ env.URL }}', strict: '${{ params.whole > 3 }}', options: '${{ run.id }}'}",
    ],
)
def test_arguments_that_fit_are_not_mentioned(tmp_path: Path, arguments: str) -> None:
    """What fits, and what nobody can judge before the run, is no problem."""
    params = "params: {text: {}, whole: {type: integer}, wait: {type: duration}, maybe: {type: integer, default: null}}"

    assert "" == said(tmp_path, task(arguments, params))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("{base_url: u, ⟦attemps⟧: 3}", "`tasks.health:check` has no parameter `attemps` (did you mean `attempts`?)"),
        ("{base_url: u, ⟦colour⟧: 3}", "(it takes base_url, strict, max_wait, attempts, services, options)"),
        ("{base_url: ⟦5⟧}", "`base_url` must be str, not int (put it in quotes)"),
        ("{base_url: ⟦null⟧}", "`base_url` must be str, not None"),
        ("{base_url: u, strict: ⟦1⟧}", "`strict` must be bool, not int"),
        ("{base_url: u, attempts: ⟦true⟧}", "`attempts` must be int | None, not bool"),
        ("{base_url: u, attempts: ⟦1.5⟧}", "`attempts` must be int | None, not float"),
        ("{base_url: u, max_wait: ⟦30s⟧}", "`max_wait` must be float, not str"),
        ("{base_url: u, services: ⟦backend⟧}", "`services` must be list, not str (write it as a list: [ … ])"),
        (
            "{base_url: u, attempts: ⟦'${{ params.whole }} '⟧}",
            "must be int | None, not str (give nothing but the expression",
        ),
        ("{base_url: u, attempts: ⟦'5'⟧}", "must be int | None, not str (take the quotes off)"),
        ("{base_url: u, attempts: ⟦soon⟧}", "must be int | None, not str"),
        ("{base_url: ⟦'${{ params.whole }}'⟧}", "`base_url` must be str, not int"),
    ],
)
def test_arguments_that_cannot_fit_are_found_before_the_run(tmp_path: Path, arguments: str, expected: str) -> None:
    """An unknown name, and a value that is certainly of a wrong type, is a located problem."""
    head = "params: {whole: {type: integer}}"

    assert expected in said(tmp_path, task(arguments, head))


def test_missing_arguments_are_named_together(tmp_path: Path) -> None:
    """What a function needs and does not get is named where the function is."""
    text = "tasks:\n  a:\n    uses: ⟦tasks.health:check⟧\n    with: {strict: true}\n  b:\n    uses: tasks.none:run\n"

    assert "missing-argument: `tasks.health:check` needs `base_url` (add `with: {base_url: …}`)" == said(tmp_path, text)


def test_a_function_that_takes_anything_takes_anything(tmp_path: Path) -> None:
    """With `**arguments` no name is unknown; without parameters every name is."""
    text = (
        "tasks:\n  a:\n    uses: tasks.any:run\n    with: {x: 1}\n  b:\n    uses: tasks.none:run\n    with: {⟦x⟧: 1}\n"
    )

    assert "unknown-argument: `tasks.none:run` has no parameter `x` (it takes none at all)" == said(tmp_path, text)


def test_a_function_that_cannot_be_had_is_said_where_it_is_named(tmp_path: Path) -> None:
    """What the worker says about a module or function stands at every `uses` that names it."""
    trouble = Problem(
        code="no-such-function", message="`tasks.health` has no function `chek`", hint="did you mean `check`?"
    )
    text = "tasks:\n  a:\n    uses: ⟦tasks.health:chek⟧\n  b: {uses: ⟦tasks.health:chek⟧, with: {x: 1}}\n"

    expected = "no-such-function: `tasks.health` has no function `chek` (did you mean `check`?)"
    assert f"{expected}\n{expected}" == said(tmp_path, text, {"tasks.health:chek": trouble})


def test_functions_nobody_described_are_passed_over(tmp_path: Path) -> None:
    """Without a description there is nothing to judge."""
    assert "" == said(tmp_path, task("{x: 1}"), {})


def reading(tail: str) -> str:
    """Write a graph whose last task reads the outputs of the first two."""
    return (
        "tasks:\n  health: {uses: tasks.health:check, with: {base_url: u}}\n  any: {uses: tasks.any:run}\n"
        f"  last:\n    needs: [health, any]\n{tail}"
    )


@pytest.mark.parametrize(
    "tail",
    [
        "    run: echo ${{ needs.health.outputs.status }} ${{ needs.any.outputs.whatever }}",
        "    if: needs.health.outputs.healthy\n    run: make",
        "    run: echo ${{ needs.health.outputs.history[0].x }} ${{ toJSON(needs.health.outputs) }}",
        "    uses: tasks.health:check\n    with: {base_url: '${{ needs.any.outputs.x }}'}",
        "    uses: tasks.health:check\n    with: {base_url: '${{ needs.health.outputs.anything }}'}",
        "    uses: tasks.health:check\n    with: {base_url: u, max_wait: '${{ needs.health.outputs.latency_ms }}'}",
    ],
)
def test_outputs_that_are_returned_may_be_read(tmp_path: Path, tail: str) -> None:
    """A described output may be read anywhere; where nothing is described, anything may."""
    assert "" == said(tmp_path, reading(tail))


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("    run: echo ${{ needs.health.outputs.⟦sttus⟧ }}", "returns no `sttus` (did you mean `status`?)"),
        (
            "    if: needs.health.outputs.⟦x⟧ == 1\n    run: make",
            "unknown-output: `tasks.health:check` returns no `x` (there is status, healthy, latency_ms, ",
        ),
        (
            "    uses: tasks.health:check\n    with: {base_url: ⟦'${{ needs.health.outputs.healthy }}'⟧}",
            "bad-argument: `base_url` must be str, not bool",
        ),
    ],
)
def test_outputs_that_are_not_returned_are_found_before_the_run(tmp_path: Path, tail: str, expected: str) -> None:
    """A name that is not in the return annotation is a located problem, as is an output of a wrong type."""
    assert expected in said(tmp_path, reading(tail))


def test_an_output_may_be_null_where_its_task_may_have_failed(tmp_path: Path) -> None:
    """Behind any trigger but `all_success` an output counts as perhaps null."""
    arguments: Any = "    uses: tasks.health:check\n    with: {base_url: u, attempts: %s}\n"
    value = "'${{ needs.health.outputs.status }}'"

    assert "must be int | None, not str" in said(tmp_path, reading(arguments % f"⟦{value}⟧"))
    assert "" == said(tmp_path, reading(arguments % value + "    trigger: all_done\n"))
