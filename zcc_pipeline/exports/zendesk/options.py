"""What only Zendesk's targets know (``options`` in the mapping file)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

TICKET = "ticket"
"""``object`` of a target that makes tickets; any other is the key of a custom object."""


class TicketOptions(BaseModel):
    """How tickets are made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    create: Literal["import", "live", "voice"] = Field(
        "import",
        description="import: in bulk, with the engagement's own times, no triggers run (administrators only); "
        "live: one by one, as if it happened now, triggers run; voice: one by one, the call as Zendesk's own voice "
        "comment, triggers run.",
    )
    append_changes: bool = Field(
        False, description="Whether a summary that changes later is added as another private comment."
    )
    comment_bytes: int = Field(
        60_000, ge=1_000, le=65_535, description="Longest comment; a longer transcript is split over several."
    )
    deleted_tag: str = Field(
        "zoom_deleted", pattern=r"^[^\s,]+$", description="Tag of tickets whose engagement was deleted in Zoom."
    )


class CustomObjectOptions(BaseModel):
    """How records of a custom object are made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field("Zoom engagement", min_length=1, description="What --setup calls the object.")
    title_pluralized: str = Field("Zoom engagements", min_length=1)
    customer_field: str | None = Field(None, description="Look-up field to the end user.")
    owner_field: str | None = Field(None, description="Look-up field to the agent.")
