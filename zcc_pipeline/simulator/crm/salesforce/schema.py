"""The stand-in's org: which objects there are, their fields, and how ``describe`` shows them.

``Contact_Center_Engagement__c`` is what an administrator has after deploying ``deploy/salesforce``; the standard
objects have the fields that integrations of this kind read and write, with the lengths of the object reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

TEXT_TYPES = frozenset({"string", "textarea", "phone", "email", "url", "picklist", "reference", "id"})
"""Types whose JSON value is a string and whose length counts."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field."""

    name: str
    type: str = "string"
    length: int = 0
    is_required: bool = False
    createable: bool = True
    updateable: bool = True
    is_external_id: bool = False
    is_unique: bool = False
    is_case_sensitive: bool = False
    digits: int = 0
    """Digits before the point, of numbers."""
    scale: int = 0
    refers_to: tuple[str, ...] = ()
    relationship: str = ""
    default: Any = None

    @property
    def is_filterable(self) -> bool:
        """Long text can be read by a query and not looked for."""
        return not (self.type == "textarea" and self.length > 255) and self.type != "base64"

    def describe(self) -> dict[str, Any]:
        """As ``/sobjects/{name}/describe`` shows it."""
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "type": self.type,
            "length": self.length,
            "createable": self.createable,
            "updateable": self.updateable,
            "nillable": not self.is_required and self.type != "boolean",
            "defaultedOnCreate": self.default is not None or self.type == "boolean",
            "externalId": self.is_external_id,
            "idLookup": self.is_external_id or self.type == "id" or self.name == "Email",
            "unique": self.is_unique,
            "caseSensitive": self.is_case_sensitive,
            "precision": self.digits + self.scale if self.type == "double" else 0,
            "digits": self.digits if self.type == "int" else 0,
            "scale": self.scale,
            "filterable": self.is_filterable,
            "custom": self.name.endswith("__c"),
            "referenceTo": list(self.refers_to),
            "relationshipName": self.relationship or None,
            "restrictedPicklist": False,
            "picklistValues": [],
        }


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """One object. ``prefix`` starts the ids of its records."""

    name: str
    prefix: str
    fields: Mapping[str, FieldSpec] = field(repr=False)
    createable: bool = True

    def describe(self) -> dict[str, Any]:
        """As ``/sobjects/{name}/describe`` answers."""
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "keyPrefix": self.prefix,
            "custom": self.name.endswith("__c"),
            "createable": self.createable,
            "updateable": self.createable,
            "queryable": True,
            "fields": [each.describe() for each in self.fields.values()],
        }

    def with_fields(self, *changed: FieldSpec, without: Iterable[str] = ()) -> ObjectSpec:
        """The same object with some fields added, replaced or taken away."""
        kept = {name: each for name, each in self.fields.items() if name not in set(without)}
        return replace(self, fields=kept | {each.name: each for each in changed})


def _object(name: str, prefix: str, *fields: FieldSpec, is_owned: bool = True, createable: bool = True) -> ObjectSpec:
    system = [
        FieldSpec("Id", "id", 18, createable=False, updateable=False),
        FieldSpec("IsDeleted", "boolean", createable=False, updateable=False),
        FieldSpec("CreatedDate", "datetime", createable=False, updateable=False),
        FieldSpec("LastModifiedDate", "datetime", createable=False, updateable=False),
        FieldSpec("SystemModstamp", "datetime", createable=False, updateable=False),
    ]
    if is_owned:
        system.append(FieldSpec("OwnerId", "reference", 18, refers_to=("User",), relationship="Owner"))
    return ObjectSpec(name, prefix, {each.name: each for each in (*system, *fields)}, createable)


def _text(name: str, length: int = 255) -> FieldSpec:
    return FieldSpec(name, "string", length)


def _long(name: str, length: int) -> FieldSpec:
    return FieldSpec(name, "textarea", length)


def _seconds(name: str) -> FieldSpec:
    return FieldSpec(name, "double", digits=9)


def _lookup(name: str, relationship: str, *targets: str) -> FieldSpec:
    return FieldSpec(name, "reference", 18, refers_to=targets, relationship=relationship)


ENGAGEMENT = _object(
    "Contact_Center_Engagement__c",
    "a0Z",
    FieldSpec("Name", "string", 80, createable=False, updateable=False),
    FieldSpec("Engagement_Id__c", "string", 64, True, is_external_id=True, is_unique=True, is_case_sensitive=True),
    _text("Subject__c"),
    _text("Channel__c", 40),
    _text("Channel_Source__c", 80),
    _text("Direction__c", 20),
    FieldSpec("Started_At__c", "datetime"),
    FieldSpec("Ended_At__c", "datetime"),
    _text("Queue__c"),
    _text("Flow__c"),
    _text("Agent_Name__c"),
    _text("Agent_Email__c"),
    _text("Customer_Name__c"),
    FieldSpec("Customer_Phone__c", "phone", 40),
    _text("Customer_Email__c"),
    _text("Account_Number__c"),
    _seconds("Duration_Seconds__c"),
    _seconds("Waiting_Seconds__c"),
    _seconds("Talk_Seconds__c"),
    _seconds("Handle_Seconds__c"),
    FieldSpec("Answered__c", "boolean"),
    FieldSpec("Abandoned__c", "boolean"),
    _long("Summary__c", 32_768),
    _long("Notes__c", 32_768),
    _long("Dispositions__c", 4_096),
    _long("Transcript__c", 131_072),
    _long("Recordings__c", 32_768),
    _long("Voicemails__c", 32_768),
    FieldSpec("Survey_Score__c", "double", digits=9, scale=2),
    _text("Completeness__c", 40),
    FieldSpec("Deleted_At_Source__c", "boolean"),
    _lookup("Contact__c", "Contact__r", "Contact"),
    _lookup("Lead__c", "Lead__r", "Lead"),
)

_PERSON = (
    _text("FirstName", 40),
    FieldSpec("LastName", "string", 80, True),
    FieldSpec("Name", "string", 121, createable=False, updateable=False),
    FieldSpec("Email", "email", 80),
    FieldSpec("Phone", "phone", 40),
    FieldSpec("MobilePhone", "phone", 40),
)

STANDARD = (
    _object("Contact", "003", *_PERSON, FieldSpec("HomePhone", "phone", 40), FieldSpec("OtherPhone", "phone", 40)),
    _object(
        "Lead",
        "00Q",
        *_PERSON,
        FieldSpec("Company", "string", 255, True),
        FieldSpec("IsConverted", "boolean", createable=False, updateable=False),
    ),
    _object(
        "User",
        "005",
        FieldSpec("Name", "string", 121, createable=False, updateable=False),
        FieldSpec("Username", "string", 80, createable=False, updateable=False),
        FieldSpec("Email", "email", 128),
        FieldSpec("IsActive", "boolean"),
        FieldSpec("UserType", "picklist", 40),
        is_owned=False,
        createable=False,
    ),
    _object(
        "Task",
        "00T",
        _text("Subject"),
        FieldSpec("Status", "picklist", 255, default="Not Started"),
        FieldSpec("Priority", "picklist", 255, default="Normal"),
        FieldSpec("TaskSubtype", "picklist", 40, updateable=False),
        FieldSpec("ActivityDate", "date"),
        FieldSpec("CallType", "picklist", 40),
        FieldSpec("CallDurationInSeconds", "int", digits=8),
        _text("CallDisposition"),
        _text("CallObject"),
        _long("Description", 32_000),
        _lookup("WhoId", "Who", "Contact", "Lead"),
        _lookup("WhatId", "What", "Contact_Center_Engagement__c"),
    ),
    _object(
        "ContentVersion",
        "068",
        _text("Title"),
        FieldSpec("PathOnClient", "string", 500, True, updateable=False),
        FieldSpec("VersionData", "base64", updateable=False),
        _long("Description", 1_000),
        _lookup("FirstPublishLocationId", "FirstPublishLocation"),
        FieldSpec("ContentDocumentId", "reference", 18, updateable=False, refers_to=("ContentDocument",)),
        FieldSpec("ContentSize", "int", digits=9, createable=False, updateable=False),
    ),
    _object(
        "ContentDocument",
        "069",
        _text("Title"),
        _long("Description", 1_000),
        FieldSpec("ContentSize", "int", digits=9, createable=False, updateable=False),
        FieldSpec("LatestPublishedVersionId", "reference", 18, createable=False, refers_to=("ContentVersion",)),
        createable=False,
    ),
    _object(
        "ContentDocumentLink",
        "06A",
        FieldSpec(
            "ContentDocumentId", "reference", 18, True, refers_to=("ContentDocument",), relationship="ContentDocument"
        ),
        FieldSpec("LinkedEntityId", "reference", 18, True, relationship="LinkedEntity"),
        is_owned=False,
    ),
)

ACTIVITY_KEY = FieldSpec("Engagement_Id__c", "string", 64, is_external_id=True, is_unique=True, is_case_sensitive=True)
"""What an administrator may add to activities, so that tasks can be upserted."""


def default_org(*, with_task_key: bool = False) -> dict[str, ObjectSpec]:
    """An org after set-up; with the key on activities if told."""
    org = {each.name: each for each in (*STANDARD, ENGAGEMENT)}
    if with_task_key:
        org["Task"] = org["Task"].with_fields(ACTIVITY_KEY)
    return org
