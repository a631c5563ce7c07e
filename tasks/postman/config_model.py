"""`.postman.json` in one shape: the model, its fields one by one, and the key. Knows no file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from tasks.postman.ids import fault_of_id, fault_of_url
from tasks.postman.shapes import TEXTS
from tasks.postman.spelling import kind

DEFAULT_BASE_URL = "http://localhost:8000"
SECRETS = ("api_key", "postman_api_key")
KEY_VARIABLE = "POSTMAN_API_KEY"


class PostmanConfig(BaseModel):
    """What `.postman.json` says, in one shape. Unknown keys are kept; files are relative to the configuration."""

    model_config = ConfigDict(extra="allow", frozen=True)

    workspace_id: str | None = None
    collection_id: str | None = None
    environment_id: str | None = None
    collection_file: str | None = None
    environment_file: str | None = None
    globals_file: str | None = None
    collections: dict[str, str] = Field(default_factory=dict)
    environments: dict[str, str] = Field(default_factory=dict)
    base_url: str = DEFAULT_BASE_URL
    api_key: SecretStr | None = Field(default=None, exclude=True)
    postman_api_key: SecretStr | None = Field(default=None, exclude=True)
    test_results: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)

    @field_validator(*TEXTS, mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        if value is not None and not isinstance(value, str | SecretStr):
            raise ValueError(f"expected a text, got {kind(value)}")
        return value

    @field_validator("test_results", "metadata", mode="before")
    @classmethod
    def _is_object(cls, value: object) -> object:
        if not isinstance(value, dict):
            raise ValueError(f"expected an object, got {kind(value)}")
        return value

    @field_validator("workspace_id", "collection_id", "environment_id")
    @classmethod
    def _is_id(cls, value: str | None) -> str | None:
        if value is not None and (fault := fault_of_id(value)):
            raise ValueError(fault)
        return value

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        if fault := fault_of_url(value):
            raise ValueError(fault)
        return value.rstrip("/")

    @field_validator(*SECRETS)
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 8:
            raise ValueError("a key has at least 8 characters")
        return value


def get_field(config: PostmanConfig, name: str) -> Any:
    """Answer a field, or with dots what is inside of one: `metadata.owner`; None if there is nothing.

    Keys are answered as SecretStr.
    """
    first, *rest = name.split(".")
    value = getattr(config, first, None)
    for step in rest:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def set_field(config: PostmanConfig, name: str, value: Any) -> PostmanConfig:
    """Answer a configuration with one field changed, or with dots what is inside of one.

    Raises:
        ValueError: the value does not fit.

    """
    first, *rest = name.split(".")
    if rest:
        whole = getattr(config, first, None)
        value = _with(whole if isinstance(whole, dict) else {}, rest, value)
    given: dict[str, Any] = {
        **{each: getattr(config, each) for each in PostmanConfig.model_fields},
        **(config.model_extra or {}),
    }
    try:
        return PostmanConfig.model_validate({**given, first: value})
    except ValidationError as error:
        raise ValueError("; ".join(f"{name}: {message}" for name, message in faults(error))) from None


def postman_key(config: PostmanConfig, environ: Mapping[str, str]) -> SecretStr | None:
    """Answer the key of the Postman API: the environment's wins over the file's."""
    from_environment = environ.get(KEY_VARIABLE)
    return SecretStr(from_environment) if from_environment else config.postman_api_key or config.api_key


def faults(error: ValidationError) -> list[tuple[str, str]]:
    """Answer the fields that do not fit, and why, without showing what they hold."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [(str(fault["loc"][0]), fault["msg"].removeprefix("Value error, ")) for fault in found]


def _with(whole: Mapping[str, Any], steps: list[str], value: Any) -> dict[str, Any]:
    first, *rest = steps
    inner = whole.get(first)
    return {**whole, first: _with(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}
