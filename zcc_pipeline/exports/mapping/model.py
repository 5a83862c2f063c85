"""What may stand in ``crm_mapping.yml``. The JSON Schema for editors is generated from these classes."""

from __future__ import annotations

import string
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

CRMS = ("salesforce", "zendesk", "servicenow", "dynamics", "hubspot")
OTHERS = "*"
NO_QUEUE = "none"
BY_CHANNEL = "by_channel"
SKIP = "skip"

Attribute = Literal[
    "engagement_id",
    "started_date",
    "started_at",
    "ended_at",
    "channel",
    "channel_source",
    "direction",
    "queue_id",
    "queue_name",
    "flow_name",
    "agent_name",
    "agent_email",
    "customer_name",
    "customer_phone",
    "customer_email",
    "account_number",
    "duration_seconds",
    "waiting_seconds",
    "talk_seconds",
    "handle_seconds",
    "is_answered",
    "is_abandoned",
    "subject",
    "summary",
    "body_text",
    "body_html",
    "notes_text",
    "dispositions",
    "transcript_text",
    "survey_score",
    "completeness_status",
    "is_deleted_at_source",
    "changed_at",
    "recording_link",
    "recording_links",
    "voicemail_link",
    "voicemail_links",
    "transcript_link",
]
"""What a field can be filled from: an engagement's values, and links to its files (``link_url``)."""

NUMBERS = frozenset({"duration_seconds", "waiting_seconds", "talk_seconds", "handle_seconds", "survey_score"})
TIMES = frozenset({"started_at", "ended_at", "changed_at"})
DATES = frozenset({"started_date"})
BOOLEANS = frozenset({"is_answered", "is_abandoned", "is_deleted_at_source"})

As = Literal[
    "text",
    "integer",
    "number",
    "minutes",
    "milliseconds",
    "boolean",
    "datetime",
    "date",
    "servicenow_datetime",
    "epoch_ms",
]

_TAKES: dict[str, frozenset[str]] = {
    "integer": NUMBERS | BOOLEANS,
    "number": NUMBERS,
    "minutes": NUMBERS,
    "milliseconds": NUMBERS,
    "boolean": BOOLEANS,
    "datetime": TIMES,
    "date": TIMES | DATES,
    "servicenow_datetime": TIMES,
    "epoch_ms": TIMES,
}
"""Which attributes a conversion makes sense of; text conversions take all."""


_SOURCES = ("from", "value", "template", "join")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


class FieldRule(_Strict):
    """Where a field's value comes from, and what is made of it: source, table, case, type, length, in that order.

    In the file the name of an attribute alone is enough where nothing is made of it.
    """

    source: Attribute | None = Field(None, alias="from", description="The engagement's value.")
    value: str | int | float | bool | None = Field(None, description="A constant, the same for every record.")
    template: str | None = Field(None, description="Text with attributes in braces: '{channel} from {customer_name}'.")
    join: tuple[Attribute, ...] | None = Field(None, description="Attributes in a row; empty ones are left out.")
    separator: str = Field(", ", alias="with", description="What stands between the values of 'join'.")
    table: dict[str, str | int | float | bool | None] | None = Field(
        None, alias="map", description="Other values for those found; 'default' for those that are not listed."
    )
    default: str | int | float | bool | None = Field(None, description="Where there is no value, or none in 'map'.")
    case: Literal["lower", "upper"] | None = None
    type: As | None = Field(None, alias="as", description="What the CRM's field takes.")
    cut: int | None = Field(None, ge=1, description="Longest text; cut off with an ellipsis.")
    cut_at_sentence: int | None = Field(
        None, ge=1, description="Longest text; cut after a sentence, with a remark where the rest is."
    )
    unit: Literal["utf16", "utf8"] = Field("utf16", description="What the field's length counts.")
    when_empty: Literal["clear", "omit"] = Field(
        "clear", description="Whether a missing value empties the field or leaves it alone."
    )

    @property
    def attributes(self) -> tuple[str, ...]:
        """All that it looks at."""
        if self.source is not None:
            return (self.source,)
        return self.join or tuple(_names(self.template or ""))

    @model_validator(mode="before")
    @classmethod
    def _one_source(cls, given: Any) -> Any:  # noqa: ANN401 - not checked yet
        if isinstance(given, dict) and len(given.keys() & set(_SOURCES)) != 1:
            raise PydanticCustomError("one_source", "needs exactly one of from, value, template and join")
        return given

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.cut is not None and self.cut_at_sentence is not None:
            raise PydanticCustomError("two_cuts", "has both cut and cut_at_sentence")
        for name in _names(self.template or ""):
            if name not in get_args(Attribute):
                raise PydanticCustomError("template", "'{name}' in the template is no attribute", {"name": name})
        takes = _TAKES.get(self.type or "")
        if takes is not None and self.source is not None and self.table is None and self.source not in takes:
            raise PydanticCustomError(
                "as", "{source} cannot be made {type}", {"source": self.source, "type": self.type}
            )
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        spelled_out = handler.resolve_ref_schema(handler(core))
        spelled_out["oneOf"] = [{"required": [name]} for name in _SOURCES]
        attribute = {"type": "string", "enum": list(get_args(Attribute)), "description": "The engagement's value."}
        return {"anyOf": [attribute, spelled_out]}


def _names(template: str) -> list[str]:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError:
        raise PydanticCustomError("template", "has braces that do not match (double those meant as such)") from None
    for _, name, form, conversion in parsed:
        if name is not None and (form or conversion):
            raise PydanticCustomError("template", "takes plain names in braces only")
    return [name for _, name, _, _ in parsed if name is not None]


def _spelled_out(given: Any) -> Any:  # noqa: ANN401 - not checked yet
    return {"from": given} if isinstance(given, str) else given


Rule = Annotated[FieldRule, BeforeValidator(_spelled_out)]


class Target(_Strict):
    """One object of the CRM that engagements become records of."""

    object: str = Field(min_length=1, description="The CRM's name of the object, table or record type.")
    key: str = Field(min_length=1, description="Its unique field for the engagement id.")
    fields: dict[str, Rule] = Field(description="What to fill, by the CRM's field names.")
    options: dict[str, Any] = Field(default_factory=dict, description="What only this CRM knows.")


class CustomerRule(_Strict):
    """Whom a record is linked to."""

    match: tuple[Literal["email", "phone"], ...] = Field(("email", "phone"), description="By what people are found.")
    on_none: Literal["leave_unlinked", "create", "quarantine"] = "leave_unlinked"
    on_several: Literal["leave_unlinked", "quarantine"] = "leave_unlinked"


class OwnerRule(_Strict):
    """Who owns a record: the CRM's user with the agent's e-mail address."""

    source: Literal["agent_email"] | None = Field("agent_email", alias="from")
    fallback: str | None = Field(None, description="E-mail address of the user who owns the others.")


class LogLookup(_Strict):
    """How a record of another program is recognised in the CRM."""

    object: str = Field(min_length=1)
    field: str = Field(min_length=1, description="The CRM's field that holds the value.")
    source: Attribute = Field("engagement_id", alias="from", description="The engagement's value to look for.")


class Coexistence(_Strict):
    """Engagements that the vendor's own connector logs: recognised, and left alone or enriched."""

    queues: dict[str, Literal["skip", "enrich"]] = Field(
        default_factory=dict, description="By queue name or id; '*' for all others."
    )
    lookup: LogLookup | None = Field(
        None, description="Without it every engagement of those queues is taken as logged."
    )
    enrich_fields: dict[str, Rule] = Field(
        default_factory=dict, description="What to add to the other program's record, by the CRM's field names."
    )

    @model_validator(mode="after")
    def _can_enrich(self) -> Self:
        if "enrich" in self.queues.values():
            if self.lookup is None:
                raise PydanticCustomError("lookup", "'enrich' needs 'lookup', which finds the record to enrich")
            if not self.enrich_fields:
                raise PydanticCustomError("enrich_fields", "'enrich' needs 'enrich_fields', which say what to add")
        return self


class Section(_Strict):
    """How engagements stand in one CRM."""

    export_when: Literal["ended", "settled", "complete"] = Field(
        "settled",
        description="ended: at once; settled: some hours later; complete: once nothing that is expected is missing.",
    )
    settle_hours: float = Field(24.0, ge=0, description="Hours after its end at which an engagement is settled.")
    targets: dict[str, Target] = Field(min_length=1)
    channels: dict[str, str] = Field(
        description="Channel (or 'channel/source', which goes before it: 'messaging/sms') to target, or 'skip'. A "
        "channel not listed is quarantined."
    )
    queues: dict[str, str] = Field(
        default_factory=lambda: {OTHERS: BY_CHANNEL},
        description="Queue name or id to target, 'by_channel' or 'skip'; 'none' for engagements without a queue, '*' "
        "for all others. Without '*' a queue not listed is quarantined.",
    )
    customer: CustomerRule = CustomerRule()
    owner: OwnerRule = OwnerRule.model_validate({})
    notes: Literal["field", "entries", "none"] = Field(
        "field", description="As a field's text, as one appended entry per note version, or not at all."
    )
    transcripts: Literal["field", "attach", "both", "field_then_attach", "none"] = Field(
        "field_then_attach", description="field_then_attach: attached too where the field had to cut it."
    )
    recordings: Literal["link", "attach", "none"] = "link"
    voicemails: Literal["link", "attach", "none"] = "link"
    attach_up_to_mb: float = Field(20.0, gt=0, description="Larger files are linked, not attached.")
    link_url: str | None = Field(
        None, description="How people reach a stored file: 'https://files.example.com/{path}'."
    )
    coexistence: Coexistence = Coexistence()

    @model_validator(mode="after")
    def _is_linkable(self) -> Self:
        if self.link_url is not None and (
            not self.link_url.startswith(("https://", "http://")) or _names(self.link_url) != ["path"]
        ):
            raise PydanticCustomError("link_url", "must be an address with {path} in it, once")
        return self


class MappingFile(_Strict):
    """All sections of a mapping file; those that are missing are the shipped ones."""

    version: Literal[1]
    salesforce: Section | None = None
    zendesk: Section | None = None
    servicenow: Section | None = None
    dynamics: Section | None = None
    hubspot: Section | None = None
