"""Which names an expression may use, where it stands. Knows the graph, evaluates nothing.

What can be known before a run is checked here: parameters, needs, services and secrets that are not there. What tasks
return is judged with their signatures, if anybody asks for them (`arguments`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct

from runner.graph.compose import known_needs
from runner.graph.expression import Access
from runner.graph.findings import Findings
from runner.graph.model import Foreach, Graph, Matrix, ParamSpec, ServiceSpec, TaskSpec
from runner.graph.reading import Parsed
from runner.graph.shell import troubles
from runner.graph.shells import DEFAULT_SHELL, program_of, quotes_as_sh
from runner.graph.source import Path
from runner.graph.values import Expression, Reference, Template, functions_called, references

RESULT_PARTS = ("state", "cause", "outputs", "artifacts", "data_prefix", "run")
GROUP_PARTS = ("state", "run")
_SERVICE_PARTS = ("url", "port")
_RUN_PARTS = ("id", "started")
_OF_A_FAN = {"item": "foreach", "matrix": "matrix"}
_ROOTS = ("params", "needs", "services", "env", "run", "secrets", *_OF_A_FAN)
_FOREIGN = {
    "inputs": "params",
    "vars": "params",
    "github": "run",
    "steps": "needs",
    "jobs": "needs",
    "tasks": "needs",
    "task": "needs",
    "outputs": "needs",
    "param": "params",
    "parameters": "params",
    "service": "services",
    "secret": "secrets",
    "environment": "env",
}
_SCALARS = {"string", "integer", "number", "boolean", "path", "url", "duration", "size"}


class _Site(Struct, frozen=True, kw_only=True):
    """Where an expression stands and what may be used there."""

    what: str
    roots: Collection[str]
    needs: Collection[str] = ()
    services: Collection[str] = ()
    secrets: Collection[str] = ()
    task: str = ""


def check_names(graph: Graph, parsed: Iterable[Parsed], findings: Findings) -> None:
    """Report every name that is not there, or not to be used where it stands."""
    site: _Site = _site(graph, ())
    where: Path = ()
    for each in parsed:
        if where != each.path[:3]:  # what may be used is the same in all of a `with`, and needs may be thousands
            site, where = _site(graph, each.path), each.path[:3]
        read = references(each.value)
        lone = len(read) == 1 and isinstance(each.value, Expression) and isinstance(each.value.tree, Access)
        for reference in read:
            _Look(reference=reference, site=site, graph=graph, path=each.path, findings=findings, lone=lone).all()
        if site.what in ("if", "run"):
            _check_functions(site.what, each, findings)
        if site.what == "run":
            _check_quotes(each, graph.tasks[site.task].shell if site.task else DEFAULT_SHELL, findings)


def _site(graph: Graph, path: Path) -> _Site:
    match path:
        case ("tasks", str(name), str(what), *_):
            task = graph.tasks[name]
            needs, secrets = frozenset(known_needs(task.needs, graph.groups)), (*graph.secrets, *task.secrets)
            if what in _OF_A_FAN.values():
                return _Site(what=what, roots={"params", "needs"}, needs=needs, task=name)
            roots = {"params", "needs", "services", "env", "run"} | ({"secrets"} if what in ("with", "env") else set())
            roots |= set() if task.fan is None else {"matrix" if isinstance(task.fan, Matrix) else "item"}
            return _Site(what=what, roots=roots, needs=needs, services=needs, secrets=secrets, task=name)
        case ("services", str(name), str(what), *_):
            extra = {"if": set(), "run": {"services"}, "env": {"services", "secrets"}}[what]
            roots = {"params", "env", "run"} | extra
            return _Site(what=what, roots=roots, services=(name,), secrets=graph.secrets)
        case ("include", str(), "with", *_):
            return _Site(what="with", roots={"params"})
        case ("include", str(name), str(what), *_):
            needs = frozenset(known_needs(graph.groups[name].needs, graph.groups))
            return _Site(what=what, roots={"params", "needs", "env", "run"}, needs=needs, task=name)
        case _:
            return _Site(what="env", roots={"params", "env", "secrets"}, secrets=graph.secrets)


class _Look(Struct, frozen=True, kw_only=True):
    """A look at one reference; `lone` says that the expression is nothing else."""

    reference: Reference
    site: _Site
    graph: Graph
    path: Path
    findings: Findings
    lone: bool

    def all(self) -> None:
        root = self.reference.root
        if root not in _ROOTS:
            hint = f"here it is `{_FOREIGN[root]}`" if root in _FOREIGN else self.findings.near(root, _ROOTS)
            hint = hint or f"names begin with {', '.join(sorted(self.site.roots))}"
            self.report(0, "unknown-name", f"there is no `{root}`", hint)
        elif root not in self.site.roots:
            self.not_here(root)
        else:
            self.below(root)

    def not_here(self, root: str) -> None:
        what = self.site.what
        if root == "secrets" and self.path[0:1] != ("include",):
            message = f"`secrets` cannot be read in `{what}`, where their values would be seen"
            self.report(0, "not-here", message, "put it into `env` and let the task read the variable")
            return
        task = self.graph.tasks.get(self.site.task)
        if root in _OF_A_FAN and task is not None and what not in _OF_A_FAN.values():
            self.no_item(root, task)
            return
        places = {
            "services": f"`{what}` of a service",
            "include": f"`{what}` of an included file",
            "env": "`env` at the root",
        }
        place = places.get(str(self.path[0]), f"`{what}`")
        hint = f"there you can read {', '.join(sorted(self.site.roots))}"
        self.report(0, "not-here", f"`{root}` cannot be read in {place}, where it is not known yet", hint)

    def no_item(self, root: str, task: TaskSpec) -> None:
        """Say why there is no item: the task is done once, or for something else."""
        if _OF_A_FAN[root] in self.written(task.id):
            return  # what is wrong with that is said there
        message = f"`{root}` is what a `{_OF_A_FAN[root]}` makes, and `{task.id}` has none"
        hint = ""
        if isinstance(task.fan, Foreach):
            hint = "it has a `foreach`: read `item`"
        elif task.fan is not None:
            hint = "it has a `matrix`: read `matrix.NAME`"
        self.report(0, "not-here", message, hint)

    def below(self, root: str) -> None:
        match root:
            case "matrix":
                self.axis()
            case "params":
                self.param()
            case "needs":
                self.need()
            case "services":
                self.service()
            case "secrets":
                self.secret()
            case "run":
                self.known(1, _RUN_PARTS, "`run` has no `{}`")
            case _:
                pass  # env: the shell may have any variable; item: nobody knows what it holds

    def written(self, task: str) -> Collection[str]:
        """Answer the keys of a task, right or wrong."""
        data: Any = self.findings.document.data
        return data["tasks"][task]  # type: ignore[no-any-return]  # it was read before

    def axis(self) -> None:
        fan = self.graph.tasks[self.site.task].fan
        if isinstance(fan, Matrix) and isinstance(fan.axes, Mapping):
            names = [*fan.axes, *(name for entry in fan.include for name in entry)]
            self.known(1, dict.fromkeys(names), "there is no `{}` in this matrix")

    def param(self) -> None:
        own = {name: spec for name, spec in self.graph.params.items() if not spec.scope}
        if not self.known(1, own, "there is no parameter `{}`", "declare it in `params`"):
            return
        spec = self.graph.params[str(self.reference.path[1])]
        if len(self.reference.path) < 3:
            self.param_of_items(spec)
        elif spec.type in _SCALARS:
            self.report(2, "unknown-name", f"`params.{spec.name}` is of type {spec.type} and has no parts")

    def param_of_items(self, spec: ParamSpec) -> None:
        """Say that items cannot be made of a parameter that is no list; of a whole matrix, no mapping."""
        match self.path[2:]:
            case ("matrix",):
                wanted = "map"
            case ("foreach",) | ("matrix", _):
                wanted = "list"
            case _:
                return
        if self.lone and spec.type != wanted:
            message = f"`params.{spec.name}` is of type {spec.type}, and here it must be a {wanted}"
            self.report(0, "bad-items", message, f"declare it with `type: {wanted}`")

    def need(self) -> None:
        if len(self.reference.path) < 2 or (*self.path[:2], "needs") in self.findings.spoilt:
            return
        name = str(self.reference.path[1])
        if name in self.own_services:
            self.report(1, "unknown-name", f"`{name}` is a service, not a task", f"write `services.{name}`")
        elif name not in self.site.needs:
            self.undeclared("task", {**self.graph.tasks, **self.graph.groups})
        elif name in self.graph.groups:
            self.known(2, GROUP_PARTS, f"`needs.{name}` is a whole group and has no `{{}}`")
        elif name not in self.graph.tasks:
            pass  # that it is not there is said where it is needed
        elif self.known(2, RESULT_PARTS, f"`needs.{name}` has no `{{}}`"):
            match self.reference.path[2:]:
                case ("outputs" | "artifacts" as part, str(inner), *_) if self.graph.tasks[name].fan is not None:
                    one = f".{inner}" if inner.isidentifier() else f"['{inner}']"
                    hint = f"write `needs.{name}.{part}[0]{one}`, or hand the whole list on"
                    self.report(3, "unknown-name", f"the {part} of `{name}` are a list, one for each instance", hint)
                case _ if self.graph.tasks[name].fan is not None:
                    pass  # how many instances there are, and what the parts of each are, is seen when they are read
                case ("outputs", str(output), *_) if self.graph.tasks[name].run is not None:
                    self.output(name, output)
                case ("artifacts", *_):
                    self.artifact(name)
                case _:
                    pass

    def output(self, task: str, name: str) -> None:
        declared = self.graph.tasks[task].outputs
        if ("tasks", task, "outputs") in self.findings.spoilt or name in declared:
            return
        near = self.findings.near(name, declared) if declared else f"declare it: `outputs: [{name}]`"
        hint = near or f"there is {', '.join(declared)}"
        self.report(3, "unknown-output", f"the command of `{task}` declares no output `{name}`", hint)

    def artifact(self, task: str) -> None:
        promised = self.graph.tasks[task].artifacts
        if self.site.what == "if":
            hint = "let the task hand on what is to be decided by, as an output"
            self.report(2, "not-here", "where files are kept cannot be read in `if`, which is about data", hint)
        elif len(self.reference.path) < 4 or ("tasks", task, "artifacts") in self.findings.spoilt:
            return
        elif (name := str(self.reference.path[3])) not in promised:
            whole = next((each for each in promised if each == ".".join(map(str, self.reference.path[3:]))), None)
            listed = f"it promises {', '.join(promised)}" if promised else "list it among its `artifacts`"
            near = f"write `needs.{task}.artifacts['{whole}']`" if whole else self.findings.near(name, promised)
            self.report(3, "unknown-artifact", f"`{task}` promises no file `{name}`", near or listed)

    def service(self) -> None:
        if len(self.reference.path) < 2 or (*self.path[:2], "needs") in self.findings.spoilt:
            return
        name = str(self.reference.path[1])
        if name not in self.own_services or name not in self.site.services:
            self.undeclared("service", self.own_services)
        else:
            self.known(2, _SERVICE_PARTS, f"`services.{name}` has no `{{}}`")

    @property
    def own_services(self) -> Mapping[str, ServiceSpec]:
        """The services of this file: those of others are not to be seen."""
        return {name: each for name, each in self.graph.services.items() if not each.scope}

    def undeclared(self, what: str, known: Mapping[str, object]) -> None:
        """Say why a task or service cannot be read: it is not there, or not needed."""
        name, task = str(self.reference.path[1]), self.site.task
        if name not in known:
            self.known(1, known, f"there is no {what} `{{}}`")
        elif task:
            message = f"`{task}` reads from `{name}` without needing it, so it may not be there yet"
            self.report(1, "undeclared-need", message, f"add `{name}` to the `needs` of `{task}`")
        else:
            self.report(1, "not-here", f"a service knows only its own port and URL, not those of `{name}`")

    def secret(self) -> None:
        if len(self.reference.path) < 2:
            self.report(0, "unknown-name", "a secret is read by its name: `secrets.NAME`")
        else:
            self.known(1, self.site.secrets, "`{}` is not among the `secrets`", "add it to `secrets`")

    def known(self, index: int, known: Collection[str], complaint: str, otherwise: str = "") -> bool:
        """Report a piece that is none of the known ones; answers whether there is one that is."""
        if len(self.reference.path) <= index:
            return False
        name = self.reference.path[index]
        if name in known:
            return True
        listed = f"there is {', '.join(known)}" if 0 < len(known) <= 12 else ""
        hint = self.findings.near(str(name), known) or otherwise or listed
        self.report(index, "unknown-name", complaint.format(name), hint)
        return False

    def report(self, index: int, code: str, message: str, hint: str = "") -> None:
        self.findings.inside(self.path, self.reference.spans[index], code, message, hint=hint)


def _check_functions(what: str, parsed: Parsed, findings: Findings) -> None:
    for call in functions_called(parsed.value):
        if call.function == "hashFiles":
            message = f"`hashFiles` reads files, which `{what}` may not"
            findings.inside(
                parsed.path, (call.offset, call.length), "not-here", message, hint="use it in `with` or `env`"
            )


def _check_quotes(parsed: Parsed, shell: str, findings: Findings) -> None:
    parts = parsed.value.parts if isinstance(parsed.value, Template) else (parsed.value,)
    expressions = [part for part in parts if isinstance(part, Expression)]
    sh = quotes_as_sh(shell)
    where = troubles(part if isinstance(part, str) else None for part in parts) if sh else [""] * len(expressions)
    for expression, trouble in zip(expressions, where, strict=True):
        if trouble:
            message = f"a value {trouble} cannot be quoted safely"
            hint = 'let it stand on its own, the runner quotes it; or pass it in `env` and write "$NAME"'
            findings.inside(parsed.path, expression.span, "unsafe-in-shell", message, hint=hint)
        elif not sh:
            message = f"values are quoted as sh reads them, and `{program_of(shell)}` is another language"
            hint = "pass it in `env`, and let the script read the variable"
            findings.inside(parsed.path, expression.span, "unsafe-in-shell", message, hint=hint)
