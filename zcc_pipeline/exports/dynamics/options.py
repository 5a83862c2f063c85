"""What only Dynamics knows about a target: the ``options`` of ``crm_mapping.yml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class TargetOptions(BaseModel):
    """How engagements of one target are written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entity_set: Name = Field(description="The table's name in addresses: EntitySetName, mostly a plural.")
    kind: Literal["table", "phonecall"] = Field(
        "table", description="phonecall: opened, updated and closed as activities must be."
    )
    identify_by: Literal["key", "id"] = Field(
        "key", description="By an alternate key on the key column, or by a primary key that follows from its value."
    )
    customer_link: Name | None = Field(
        None, description="Navigation name (with its capitals) of the look-up to contacts; none: not linked."
    )
    notes_link: Name | None = Field(
        None, description="Navigation name from notes to this table; objectid_<table> unless told."
    )

    @model_validator(mode="before")
    @classmethod
    def _phone_calls_have_their_own(cls, given: object) -> object:
        """Phone calls are standard: names are known, and the primary key serves."""
        if isinstance(given, dict) and given.get("kind") == "phonecall":
            link = "regardingobjectid_contact_phonecall"
            return {"entity_set": "phonecalls", "identify_by": "id", "customer_link": link, **given}
        return given
