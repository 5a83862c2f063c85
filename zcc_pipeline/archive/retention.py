"""How long an engagement is kept, by a file of the operator's, and on what legal ground.

    from zcc_pipeline.archive.retention import read_retention
    kept = read_retention(path).retention_of(facts)      # kept.retain_until, kept.class_name, kept.legal_ground

Every rule that fits is looked at, and the longest class wins; the default is for what no rule fits. The JSON Schema for
editors is generated from the models here: ``python -m zcc_pipeline.archive.retention_schema`` prints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from zcc_pipeline.domain.settings_files import first_of, problem_at, said_of, suggestion, unreadable, yaml_of
from zcc_pipeline.domain.yaml_lines import LinedYaml

SETTING = "ZCC_ARCHIVE_RETENTION"
_PURPOSE = "how long engagements are kept, and why; without it nothing in the archive ever expires"
_EXAMPLE = "/etc/zcc/retention.yml"

_MOST_YEARS = 100
ClassName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
_Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RetentionClass(_Part):
    """How long, and why. Counted from the day on which the engagement ended."""

    years: int | None = Field(None, ge=1, le=_MOST_YEARS, description="Calendar years; or give days.")
    days: int | None = Field(None, ge=1, le=_MOST_YEARS * 366, description="Days; or give years.")
    legal_ground: str = Field(
        min_length=3,
        max_length=500,
        description="The duty or purpose, as it is told to a person whose erasure request is refused.",
    )

    @model_validator(mode="after")
    def _has_one_length(self) -> Self:
        if (self.years is None) == (self.days is None):
            raise PydanticCustomError("retention_length", "needs exactly one of years and days")
        return self

    def last_day(self, counted_from: date) -> date:
        """The last day on which it is kept. 29 February plus a year is 1 March: never a day less than the years."""
        try:
            if self.days is not None:
                return counted_from + timedelta(days=self.days)
            year = counted_from.year + (self.years or 0)
            is_leap_day = (counted_from.month, counted_from.day) == (2, 29)
            if is_leap_day and not _is_leap(year):
                return date(year, 3, 1)
            return counted_from.replace(year=year)
        except (OverflowError, ValueError):
            return date.max


class RetentionRule(_Part):
    """Which engagements are of a class: those that fit everything that is given, each by one of its values."""

    class_name: ClassName = Field(alias="class", description="One of the classes.")
    queues: tuple[_Name, ...] = Field((), strict=False, description="Ids or names, in any case of letters.")
    channels: tuple[Literal["voice", "video", "messaging", "email"], ...] = Field((), strict=False)
    dispositions: tuple[_Name, ...] = Field((), strict=False, description="Names, in any case of letters.")

    @model_validator(mode="after")
    def _says_of_which(self) -> Self:
        if not (self.queues or self.channels or self.dispositions):
            raise PydanticCustomError(
                "retention_rule", "says of no engagements that they are its own: give queues, channels or dispositions"
            )
        return self

    def fits(self, facts: RetentionFacts) -> bool:
        """Whether the engagement is one of those."""
        given: tuple[tuple[Iterable[str], frozenset[str]], ...] = (
            (self.queues, facts.queues),
            (self.channels, facts.channels),
            (self.dispositions, facts.dispositions),
        )
        return all(not _folded(wanted).isdisjoint(_folded(has)) for wanted, has in given if wanted)


class RetentionFile(_Part):
    """The whole file."""

    version: Literal[1]
    classes: dict[ClassName, RetentionClass] = Field(min_length=1)
    default: ClassName = Field(description="The class of what no rule fits.")
    rules: tuple[RetentionRule, ...] = Field(
        (), strict=False, description="All that fit are looked at; the longest class wins, whatever their order."
    )


@dataclass(frozen=True, slots=True)
class RetentionFacts:
    """What decides about one engagement."""

    started_on: date
    ended_on: date | None
    """None while it lasts: the day on which it started counts until then, and the end extends it."""
    queues: frozenset[str]
    """Ids and names of all its queues."""
    channels: frozenset[str]
    dispositions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Retention:
    """Until when something is kept."""

    retain_until: date
    """The last day on which it must be there."""
    class_name: str
    legal_ground: str


@dataclass(frozen=True, slots=True)
class Renewal:
    """What becomes of a promise that was made before."""

    retention: Retention
    is_extended: bool
    """It is longer than what was promised: the ledger has to say so."""
    shorter: Retention | None = None
    """What the file says now, where that would be shorter and was therefore not taken."""


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """A file that was read and checked."""

    file: str
    classes: Mapping[str, RetentionClass]
    default: str
    rules: tuple[RetentionRule, ...]

    def retention_of(self, facts: RetentionFacts) -> Retention:
        """Of all rules that fit the longest; the default where none does."""
        counted_from = max(facts.started_on, facts.ended_on or facts.started_on)
        fitting = {rule.class_name for rule in self.rules if rule.fits(facts)} or {self.default}
        name = max(
            (each for each in self.classes if each in fitting),
            key=lambda each: self.classes[each].last_day(counted_from),
        )
        found = self.classes[name]
        return Retention(found.last_day(counted_from), name, found.legal_ground)

    def legal_ground(self, class_name: str | None) -> str | None:
        """Why a class is kept; None for one that the file no longer has."""
        found = self.classes.get(class_name or "")
        return found.legal_ground if found else None


def renew(promised: Retention | None, now: Retention) -> Renewal:
    """The longer of what was promised for an object and what the file says now.

    A file that was changed never shortens what the ledger has promised; the caller is told what was not taken.
    """
    if promised is None or now.retain_until > promised.retain_until:
        return Renewal(now, is_extended=True)
    return Renewal(promised, is_extended=False, shorter=now if now.retain_until < promised.retain_until else None)


def lapses_at(retain_until: date) -> datetime:
    """The moment from which it need not be kept any more: when the last day is over everywhere on earth (UTC-12)."""
    if retain_until >= date.max - timedelta(days=1):
        return datetime.max.replace(tzinfo=UTC)
    return datetime.combine(retain_until + timedelta(days=1), time(12), UTC)


def read_retention(path: Path) -> RetentionRules:
    """The file, checked as a whole; ``ConfigurationError`` names file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error, setting=SETTING, purpose=_PURPOSE, example=_EXAMPLE) from None
    return parse_retention(text, str(path))


def parse_retention(text: str, file: str) -> RetentionRules:
    """The same from its text."""
    lined = yaml_of(text, file, setting=SETTING, purpose=_PURPOSE)
    try:
        found = RetentionFile.model_validate(lined.data)
    except ValidationError as error:
        first = first_of(error)
        where = tuple(part for part in first["loc"] if part != "[key]")
        raise problem_at(SETTING, file, lined.line(where), where, said_of(first, RetentionFile)) from None
    _check_names(found, file, lined)
    return RetentionRules(file, found.classes, found.default, found.rules)


def _check_names(found: RetentionFile, file: str, lined: LinedYaml) -> None:
    named: list[tuple[tuple[str | int, ...], str]] = [(("default",), found.default)]
    named += [(("rules", number, "class"), rule.class_name) for number, rule in enumerate(found.rules)]
    for where, name in named:
        if name not in found.classes:
            known = ", ".join(found.classes)
            text = f"there is no class {name!r}; there are {known}{suggestion(name, list(found.classes))}"
            raise problem_at(SETTING, file, lined.line(where), where, text)


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in names)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
