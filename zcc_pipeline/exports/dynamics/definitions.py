"""Definitions as they are sent when a table is made: EntityMetadata, AttributeMetadata, keys and relationships.

https://learn.microsoft.com/en-us/power-apps/developer/data-platform/webapi/create-update-entity-definitions-using-web-api
and …/create-update-entity-relationships-using-web-api.
"""

from __future__ import annotations

import re
from typing import Any

from zcc_pipeline.exports.dynamics.checking import made_by
from zcc_pipeline.exports.dynamics.client import Json
from zcc_pipeline.exports.mapping import FieldRule

_TYPE = "Microsoft.Dynamics.CRM."
_LONGEST_STRING, _LONGEST_MEMO = 4_000, 1_048_576
_USUAL_LENGTH = 200
_LARGEST_INTEGER = 2_147_483_647
ENGLISH = 1033
_WORD = re.compile(r"[_\s]+")


def label(text: str) -> Json:
    """A text that people see, in English words; ``in_language`` says which language it is filed under."""
    one = {"@odata.type": f"{_TYPE}LocalizedLabel", "Label": text, "LanguageCode": ENGLISH}
    return {"@odata.type": f"{_TYPE}Label", "LocalizedLabels": [one]}


def in_language(body: Any, code: int) -> Any:  # noqa: ANN401 JSON
    """The same with its labels in the organisation's base language, without which Dataverse takes none."""
    if isinstance(body, dict):
        return {key: code if key == "LanguageCode" else in_language(value, code) for key, value in body.items()}
    return [in_language(each, code) for each in body] if isinstance(body, list) else body


def title(logical: str) -> str:
    """``zcc_started_at`` -> ``Started at``."""
    words = _WORD.sub(" ", logical.partition("_")[2] or logical).strip()
    return words[:1].upper() + words[1:]


def text_column(logical: str, length: int, *, is_name: bool = False) -> Json:
    """A text column; a memo where it is too long for a plain one."""
    is_memo = length > _LONGEST_STRING
    column = _column(logical, "Memo" if is_memo else "String")
    column["MaxLength"] = min(length, _LONGEST_MEMO)
    column["FormatName" if not is_memo else "Format"] = {"Value": "Text"} if not is_memo else "TextArea"
    if is_name:
        column["IsPrimaryName"] = True
    return column


def column_for(logical: str, rule: FieldRule) -> Json:
    """The column that takes what a rule makes."""
    match made_by(rule):
        case "integer":
            return {**_column(logical, "Integer"), "MinValue": -_LARGEST_INTEGER, "MaxValue": _LARGEST_INTEGER}
        case "number":
            return {**_column(logical, "Decimal"), "MinValue": -100_000, "MaxValue": 100_000, "Precision": 2}
        case "moment":
            behavior = {"Value": "UserLocal"}
            return {**_column(logical, "DateTime"), "Format": "DateAndTime", "DateTimeBehavior": behavior}
        case "boolean":
            options = {"TrueOption": _option(1, "Yes"), "FalseOption": _option(0, "No"), "OptionSetType": "Boolean"}
            return {**_column(logical, "Boolean"), "DefaultValue": False, "OptionSet": options}
        case _:
            return text_column(logical, rule.cut or rule.cut_at_sentence or _USUAL_LENGTH)


def table(logical: str, name_column: Json) -> Json:
    """A table that belongs to users and takes notes, with the column that people see."""
    return {
        "@odata.type": f"{_TYPE}EntityMetadata",
        "SchemaName": logical,
        "DisplayName": label(title(logical)),
        "DisplayCollectionName": label(f"{title(logical)}s"),
        "Description": label("A contact centre engagement; written by zcc-pipeline."),
        "OwnershipType": "UserOwned",
        "HasNotes": True,
        "HasActivities": False,
        "IsActivity": False,
        "Attributes": [name_column],
    }


def key(logical: str) -> Json:
    """An alternate key on one column."""
    return {
        "@odata.type": f"{_TYPE}EntityKeyMetadata",
        "SchemaName": f"{logical}_key",
        "DisplayName": label("Engagement id"),
        "KeyAttributes": [logical],
    }


def contact_link(logical: str, navigation: str) -> Json:
    """A look-up to contacts. Deleting a contact takes the link away and leaves the engagement."""
    return {
        "@odata.type": f"{_TYPE}OneToManyRelationshipMetadata",
        "SchemaName": f"{logical}_{navigation.partition('_')[2] or navigation}_contact",
        "ReferencedEntity": "contact",
        "ReferencingEntity": logical,
        "CascadeConfiguration": {
            "Assign": "NoCascade",
            "Delete": "RemoveLink",
            "Merge": "NoCascade",
            "Reparent": "NoCascade",
            "Share": "NoCascade",
            "Unshare": "NoCascade",
        },
        "Lookup": {
            "@odata.type": f"{_TYPE}LookupAttributeMetadata",
            "SchemaName": navigation,
            "DisplayName": label("Contact"),
            "RequiredLevel": _optional(),
        },
    }


def _column(logical: str, kind: str) -> Json:
    return {
        "@odata.type": f"{_TYPE}{kind}AttributeMetadata",
        "AttributeType": kind,
        "AttributeTypeName": {"Value": f"{kind}Type"},
        "SchemaName": logical,
        "DisplayName": label(title(logical)),
        "RequiredLevel": _optional(),
    }


def _optional() -> Json:
    return {"Value": "None", "CanBeChanged": True, "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings"}


def _option(value: int, text: str) -> Json:
    return {"Value": value, "Label": label(text)}
