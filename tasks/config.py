"""The task `config`: reads `.postman.json`, whatever its shape, and says all that is wrong with it. Sends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.task import Check, Context, Verdict
from tasks.postman.config_file import (
    ConfigError,
    ConfigProblem,
    beside,
    load_config,
    read_config,
    save_config,
    update_config,
)
from tasks.postman.config_model import PostmanConfig, get_field, postman_key, set_field
from tasks.postman.ids import fault_of_url
from tasks.postman.spelling import Choice

__all__ = [
    "ConfigError",
    "ConfigOutput",
    "PostmanConfig",
    "get_field",
    "load_config",
    "save_config",
    "set_field",
    "update_config",
    "validate",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigOutput:
    """What the other tasks of a graph may read: everything but keys."""

    file: str
    base_url: str
    workspace_id: str | None
    collection_id: str | None
    environment_id: str | None
    collection_file: str | None
    environment_file: str | None
    has_key: bool
    warnings: list[str]


def validate(
    *,
    config: str = ".postman.json",
    base_url: str = "",
    collection: str = "",
    environment: str = "",
    context: Context,
) -> ConfigOutput | None:
    """Read a configuration and check that it names something to run; every problem is a failed check.

    `base_url` stands in for the file's; `collection` and `environment` choose one of several.
    """
    try:
        loaded = read_config(config, Choice(collection=collection, environment=environment))
    except ConfigError as error:
        for problem in error.problems:
            context.add(_check(problem))
        return None
    context.add(Check(name="the file is valid", verdict="passed", observed=config))
    for warning in loaded.warnings:
        context.add(_check(warning))
    found = loaded.config
    url = base_url.rstrip("/") or found.base_url
    for check in (_judged_url(url), *_judged_sources(found, config)):
        context.add(check)
    return ConfigOutput(
        file=str(Path(config).resolve()),
        base_url=url,
        workspace_id=found.workspace_id,
        collection_id=found.collection_id,
        environment_id=found.environment_id,
        collection_file=beside(config, found.collection_file),
        environment_file=beside(config, found.environment_file),
        has_key=postman_key(found, context.env) is not None,
        warnings=[str(warning) for warning in loaded.warnings],
    )


# -- the helpers -------------------------------------------------------------------------------------------------------


def _check(problem: ConfigProblem) -> Check:
    verdict: Verdict = "failed" if problem.severity == "error" else "warning"
    place = f"{problem.file}:{problem.line}:{problem.column}"
    where = place if problem.path == "$" else f"{place} {problem.path}"
    return Check(name=where, verdict=verdict, observed=problem.message)


def _judged_url(url: str) -> Check:
    fault = fault_of_url(url)
    expected = "an http or https URL of the backend"
    return Check(name="base_url", verdict="failed" if fault else "passed", expected=expected, observed=fault or url)


def _judged_sources(found: PostmanConfig, path: str) -> list[Check]:
    """There is a collection to run, and every file that is named exists."""
    named = found.collection_file or found.collection_id
    checks = [
        Check(
            name="a collection is named",
            verdict="passed" if named else "failed",
            expected="`collection_file` or `collection_id`",
            observed=named,
        )
    ]
    for field in ("collection_file", "environment_file", "globals_file"):
        file = beside(path, getattr(found, field))
        if file is not None:
            exists = Path(file).is_file()
            observed = file if exists else f"there is no file {file}"
            checks.append(
                Check(name=field, verdict="passed" if exists else "failed", expected="a file", observed=observed)
            )
    return checks
