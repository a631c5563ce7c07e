"""Arguments and outputs against what the functions themselves say. Knows no way to ask them: it is given the answers.

A worker describes each function before anything runs (DESIGN section 4). Here its parameters are held against `with`,
and its return annotation against every `needs.task.outputs.name`. A type is judged only where it is certain: plain type
words on one side, a constant, a parameter or a described output on the other; the rest is the worker's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from runner.errors import Place, Problem
from runner.graph.check import Loaded
from runner.graph.expression import Access
from runner.graph.fan_out import template_of
from runner.graph.findings import Findings
from runner.graph.model import TaskSpec, Trigger
from runner.graph.promises import is_glob
from runner.graph.source import Path
from runner.graph.values import Expression, Reference, Template, Value, references
from runner.task import Parameter, Signature

Signatures = Mapping[str, Signature | Problem]

_WORDS_OF_PARAMS = {
    "string": "str",
    "path": "str",
    "url": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "duration": "float",
    "size": "int",
    "list": "list",
    "map": "dict",
}


def check_all_arguments(loaded: Loaded, told: Mapping[str, Signatures]) -> tuple[Problem, ...]:
    """Answer what is wrong between a graph, with all it includes, and the functions it names, file by file.

    `told` holds for each folder that functions are looked for in what workers say of those there.
    """
    tasks, scopes = loaded.graph.tasks, loaded.graph.scopes
    by_task = {name: told.get(scopes[task.scope].folder, {}).get(task.uses or "") for name, task in tasks.items()}
    found: dict[Problem, None] = {}
    for scope, file in {"": loaded, **loaded.included}.items():
        begin = f"{scope}." if scope else ""
        own = {template_of(name).removeprefix(begin): each for name, each in by_task.items() if name.startswith(begin)}
        chosen = {name: task for name, task in file.graph.tasks.items() if template_of(name) in own}
        part = replace(file, graph=replace(file.graph, tasks=chosen))
        inner = {name: each for name, each in own.items() if name in chosen and chosen[name].scope and each is not None}
        found |= dict.fromkeys(check_arguments(part, {**told.get(file.graph.folder, {}), **inner}))
    return tuple(found)


def check_arguments(loaded: Loaded, signatures: Signatures) -> tuple[Problem, ...]:
    """Answer what is wrong between a file and the functions it names, in its order.

    `signatures` holds what a worker says about each `uses`, or why it cannot; one that is not in it is passed over. For
    tasks of included files, whose functions may be others of the same name, it is by their ids.
    """
    findings = Findings(replace(loaded.document, problems=()))
    told: list[Problem] = []
    for task in _written(loaded.graph.tasks):
        match signatures.get(task.uses or ""):
            case None:
                pass
            case Problem() as problem:
                told.append(_located(problem, task, loaded))
            case Signature() as signature:
                _check_task(task, signature, loaded, signatures, findings)
    for each in loaded.expressions:
        for reference in references(each.value):
            _check_output(reference, each.path, loaded, signatures, findings)
    return tuple(sorted((*told, *findings.sorted()), key=lambda each: (each.where or Place(file=""), each.code)))


def _written(tasks: Mapping[str, TaskSpec]) -> Iterator[TaskSpec]:
    """Answer the tasks that stand in the file: of a fan-out its template, or one of its instances for that."""
    seen: set[str] = set()
    for task in (each for each in tasks.values() if not each.scope):
        name = task.id if task.part is None else task.part.of
        if name not in seen:
            seen.add(name)
            yield replace(task, id=name)


def _located(problem: Problem, task: TaskSpec, loaded: Loaded) -> Problem:
    span = loaded.document.value(("tasks", task.id, "uses"))
    here = loaded.document.source.problem(problem.code, problem.message, span, hint=problem.hint)
    return replace(here, severity=problem.severity)


def _check_task(
    task: TaskSpec, signature: Signature, loaded: Loaded, signatures: Signatures, findings: Findings
) -> None:
    path: Path = ("tasks", task.id, "with")
    parameters = {parameter.name: parameter for parameter in signature.parameters}
    for name, value in task.arguments.items():
        if name in parameters:
            _check_type(parameters[name], value, (*path, name), _Types(task, loaded, signatures), findings)
        elif not signature.accepts_any:
            listed = f"it takes {', '.join(parameters)}" if parameters else "it takes none at all"
            hint = findings.near(name, parameters) or listed
            message = f"`{signature.uses}` has no parameter `{name}`"
            findings.at_key((*path, name), "unknown-argument", message, hint=hint)
    missing = [each for each in parameters.values() if each.required and each.name not in task.arguments]
    if missing:
        names = " and ".join(f"`{each.name}`" for each in missing)
        hint = f"add `with: {{{', '.join(f'{each.name}: …' for each in missing)}}}`"
        where = loaded.document.value((*path[:-1], "uses"))
        findings.at(where, "missing-argument", f"`{signature.uses}` needs {names}", hint=hint)


def _check_type(parameter: Parameter, value: Value, path: Path, types: _Types, findings: Findings) -> None:
    wanted = set(parameter.type.split(" | ")) if parameter.type else set()
    found = types.of(value)
    if not wanted or not found or wanted & found or ("float" in wanted and "int" in found):
        return
    message = f"`{parameter.name}` must be {parameter.type}, not {' | '.join(sorted(found))}"
    findings.at_value(path, "bad-argument", message, hint=_hint(wanted, found, value))


def _hint(wanted: set[str], found: set[str], value: Value) -> str:
    if wanted & {"int", "float", "bool"} and found == {"str"}:
        match value:
            case Template():
                return "give nothing but the expression: only that keeps its type"
            case str() if value.lower() in {"true", "false"} or value.replace(".", "", 1).isdecimal():
                return "take the quotes off"
            case _:
                return ""
    if "str" in wanted and found & {"int", "float", "bool"}:
        return "put it in quotes"
    return "write it as a list: [ … ]" if wanted == {"list"} else ""


class _Types:
    """Says which types a value may have, as type words; nothing where nobody can know."""

    def __init__(self, task: TaskSpec, loaded: Loaded, signatures: Signatures) -> None:
        self._task = task
        self._graph = loaded.graph
        self._signatures = signatures

    def of(self, value: Value) -> set[str]:
        """Answer the type words of a value, none if they are not known."""
        match value:
            case Expression(tree=Access(root=str())):
                return set(self._of_reference(references(value)[0]))
            case Expression():
                return set()
            case Template():
                return {"str"}
            case None:
                return {"None"}
            case _:
                return {type(value).__name__}

    def _of_reference(self, reference: Reference) -> Iterator[str]:
        match reference.path:
            case ("params", str(name)) if name in self._graph.params:
                spec = self._graph.params[name]
                yield _WORDS_OF_PARAMS[spec.type]
                if not spec.required and spec.default is None:
                    yield "None"
            case ("needs", str(name), "outputs") if _is_fan(name, self._graph.tasks):
                yield "list"
            case ("needs", str(name), "outputs", int(), str(output)) | ("needs", str(name), "outputs", str(output)):
                words = _outputs(name, self._graph.tasks, self._signatures).get(output, "")
                yield from words.split(" | ") if words else ()
                several = len(reference.path) > 4  # there may be fewer items than that
                if words and (several or self._task.trigger is not Trigger.ALL_SUCCESS):
                    yield "None"
            case ("needs", str(name), "artifacts", str(promise)) if name in self._graph.tasks:
                yield "list" if is_glob(promise) else "str"
                if not is_glob(promise) and self._task.trigger is not Trigger.ALL_SUCCESS:
                    yield "None"
            case ("services", _, "url") | ("env", _) | ("secrets", _) | ("run", _):
                yield from ("str", "None")
            case _:
                pass


def _outputs(task: str, tasks: Mapping[str, TaskSpec], signatures: Signatures) -> Mapping[str, str]:
    """Answer the described outputs of a task with their type words, none where they are not described."""
    if task in tasks and tasks[task].outputs:
        return {name: _WORDS_OF_PARAMS[kind] for name, kind in tasks[task].outputs.items()}
    if task not in tasks:
        return {}
    signature = signatures.get(task if tasks[task].scope else tasks[task].uses or "")
    return signature.outputs or {} if isinstance(signature, Signature) else {}


def _is_fan(task: str, tasks: Mapping[str, TaskSpec]) -> bool:
    return task in tasks and tasks[task].fan is not None


def _check_output(reference: Reference, path: Path, loaded: Loaded, signatures: Signatures, findings: Findings) -> None:
    match reference.path:
        case ("needs", str(task), "outputs", int(), name, *_) | ("needs", str(task), "outputs", name, *_):
            outputs = _outputs(task, loaded.graph.tasks, signatures)
            if outputs and name not in outputs:
                hint = findings.near(str(name), outputs) or f"there is {', '.join(outputs)}"
                message = f"`{loaded.graph.tasks[task].uses}` returns no `{name}`"
                span = reference.spans[reference.path.index(name, 3)]
                findings.inside(path, span, "unknown-output", message, hint=hint)
        case _:
            pass
