"""Reading ``crm_mapping.yml``: the shipped file, the user's on top of it, and errors that name file and line."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec
from pydantic import BaseModel, ValidationError

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.settings_files import first_of, problem_at, said_of, suggestion, unreadable, yaml_of
from zcc_pipeline.domain.yaml_lines import LinedYaml, Where
from zcc_pipeline.exports.destination import MappingProblem
from zcc_pipeline.exports.mapping.model import BY_CHANNEL, CRMS, SKIP, Attribute, MappingFile, Section

SETTING = "ZCC_CRM_MAPPING"
SHIPPED = "crm_mapping.yml"

_LONG_LIST = 200
_RULES = 1
"""Raised when the same mapping makes something else of the same engagement, so that it is looked at again."""

Options = TypeVar("Options", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class CrmMapping:
    """The section of one CRM, and where it stands."""

    crm: str
    section: Section
    file: str
    fingerprint: str
    """Of all that decides what becomes of an engagement, apart from the engagement."""
    yaml: LinedYaml = field(repr=False, compare=False)

    def problem(self, where: Where, text: str, remedy: str = "") -> ConfigurationError:
        """The error for something at a path of the file, with or without the CRM's name at its head."""
        path = where if where[:1] == (self.crm,) else (self.crm, *where)
        return problem_at(SETTING, self.file, self.yaml.line(path), path, text, remedy)

    def problems(self, found: list[MappingProblem]) -> ConfigurationError:
        """One error for all that the CRM's metadata contradicts."""
        errors = [self.problem(each.where, each.problem, each.remedy) for each in found]
        if len(errors) == 1:
            return errors[0]
        lines = [str(error).removeprefix(f"{SETTING}: ").replace("\n", "\n  ") for error in errors]
        return ConfigurationError(SETTING, f"{len(errors)} problems\n  " + "\n  ".join(lines))

    def options(self, target: str, model: type[Options]) -> Options:
        """A target's own options, checked against the CRM's model of them."""
        try:
            return model.model_validate(self.section.targets[target].options)
        except ValidationError as error:
            first = first_of(error)
            where = ("targets", target, "options", *first["loc"])
            raise self.problem(where, _said(first, model)) from None


def read_mapping(crm: str, user_file: Path | None) -> CrmMapping:
    """The section of that CRM from the user's file, or the shipped one where the file has none.

    The whole file is checked, whichever section is wanted. ``ConfigurationError`` names file and line.
    """
    mapping = _shipped(crm)
    if user_file is None:
        return mapping
    try:
        text = user_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(user_file, error, setting=SETTING, purpose=_PURPOSE, example=_EXAMPLE) from None
    return parse_mapping(crm, text, str(user_file)) or mapping


def parse_mapping(crm: str, text: str, file: str) -> CrmMapping | None:
    """The section of that CRM in a file's text, None where it has none; the whole text is checked."""
    lined = yaml_of(text, file, setting=SETTING, purpose=_PURPOSE)
    try:
        whole = MappingFile.model_validate(lined.data)
    except ValidationError as error:
        first = first_of(error)
        where = tuple(first["loc"])
        raise problem_at(SETTING, file, lined.line(where), where, _said(first, MappingFile)) from None
    for name in CRMS:
        section = getattr(whole, name)
        if section is not None:
            _check_references(section, file, lined, name)
    section = getattr(whole, crm)
    return CrmMapping(crm, section, file, _fingerprint(section), lined) if section is not None else None


def shipped_text() -> str:
    """The shipped file, for those who begin one of their own."""
    return resources.files("zcc_pipeline.exports").joinpath(SHIPPED).read_text(encoding="utf-8")


@cache
def _shipped(crm: str) -> CrmMapping:
    found = parse_mapping(crm, shipped_text(), f"{SHIPPED} (shipped)")
    if found is None:
        raise ValueError(f"the shipped mapping has no section for {crm}")
    return found


_PURPOSE = "how engagements stand in the CRMs; without it the shipped mapping holds"
_EXAMPLE = "/etc/zcc/crm_mapping.yml"


def _check_references(section: Section, file: str, lined: LinedYaml, crm: str) -> None:
    known = {"channels": {*section.targets, SKIP}, "queues": {*section.targets, SKIP, BY_CHANNEL}}
    for part, allowed in known.items():
        for name, target in getattr(section, part).items():
            if target not in allowed:
                where = (crm, part, name)
                text = f"there is no target {target!r}; there are {', '.join(sorted(allowed))}"
                raise problem_at(SETTING, file, lined.line(where), where, text)


def _said(error: Any, model: type[BaseModel]) -> str:  # noqa: ANN401 - pydantic's error
    """What is wrong, in words; of the attributes, which are many, the nearest is named instead of all."""
    if error["type"] == "literal_error" and len(error["ctx"]["expected"]) >= _LONG_LIST:
        return f"there is no attribute {error['input']!r}" + suggestion(str(error["input"]), get_args(Attribute))
    return said_of(error, model)


def _fingerprint(section: Section) -> str:
    said = msgspec.json.encode([_RULES, section.model_dump(mode="json", by_alias=True)], order="sorted")
    return blake2b(said, digest_size=16).hexdigest()
