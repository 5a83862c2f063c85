"""What only Salesforce knows about a target: ``options`` in the mapping file."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class TaskOptions(_Strict):
    """A task beside the record, for the activity timeline. Needs a unique external id field on activities."""

    key: str = Field("Engagement_Id__c", description="The activity field that holds the engagement id.")
    copy_from: dict[str, str] = Field(
        default_factory=lambda: {
            "Subject": "Subject__c",
            "Description": "Notes__c",
            "CallDurationInSeconds": "Duration_Seconds__c",
            "CallDisposition": "Dispositions__c",
        },
        alias="copy",
        description="The task's fields, each from a field of the target.",
    )
    values: dict[str, Any] = Field(
        default_factory=lambda: {"Status": "Completed"}, description="The task's fields that are always the same."
    )


class SalesforceOptions(_Strict):
    """Look-ups to people, and the optional task."""

    contact_field: str | None = Field("Contact__c", description="Look-up to Contact; null where there is none.")
    lead_field: str | None = Field("Lead__c", description="Look-up to Lead; null where leads are not linked.")
    task: TaskOptions | None = Field(None, description="A task beside each record.")
