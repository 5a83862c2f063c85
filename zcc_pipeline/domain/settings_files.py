"""Files that a setting names and people write: checked against a model, with errors that name file and line."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.yaml_lines import LinedYaml, Where, YamlProblem, read_yaml


def unreadable(path: Path, error: Exception, *, setting: str, purpose: str, example: str) -> ConfigurationError:
    """The error for a file that could not be read: there is none, or not as text."""
    is_missing = isinstance(error, FileNotFoundError)
    problem = f"there is no file {path}" if is_missing else f"{path} cannot be read ({type(error).__name__})"
    return ConfigurationError(setting, problem, purpose=purpose, example=example)


def yaml_of(text: str, file: str, *, setting: str, purpose: str) -> LinedYaml:
    """The text as YAML; ``ConfigurationError`` with file and line where it is none."""
    try:
        return read_yaml(text)
    except YamlProblem as problem:
        raise ConfigurationError(setting, f"{file}:{problem.line}: {problem.problem}", purpose=purpose) from None


def problem_at(setting: str, file: str, line: int, where: Where, text: str, remedy: str = "") -> ConfigurationError:
    """The error for something at a path of a file."""
    path = ".".join(str(part) for part in where)
    said = f"{file}:{line}: {path}: {text}" if path else f"{file}:{line}: {text}"
    return ConfigurationError(setting, f"{said}\n  {remedy}" if remedy else said)


def first_of(error: ValidationError) -> Any:  # noqa: ANN401 - pydantic's error
    """The one to tell: a name that is not known explains why another is missing."""
    found = error.errors()
    return next((each for each in found if each["type"] == "extra_forbidden"), found[0])


def said_of(error: Any, model: type[BaseModel]) -> str:  # noqa: ANN401 - pydantic's error
    """Pydantic's words, with a suggestion where a name is not known."""
    match error["type"]:
        case "extra_forbidden":
            return "is not known here" + suggestion(str(error["loc"][-1]), _all_names(model))
        case "missing":
            return "is missing"
        case "literal_error":
            return f"must be {error['ctx']['expected']}"
        case _:
            message = str(error["msg"])
            return message[:1].lower() + message[1:]


def suggestion(name: str, known: Sequence[str]) -> str:
    """The known name that was probably meant, as the end of a sentence."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _all_names(model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema(by_alias=True)
    parts = [schema, *schema.get("$defs", {}).values()]
    parts += [inner for part in parts for inner in part.get("anyOf", []) if isinstance(inner, dict)]
    return sorted({name for part in parts for name in part.get("properties", {})})
