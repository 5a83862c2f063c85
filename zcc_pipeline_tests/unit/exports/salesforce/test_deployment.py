"""What an administrator deploys, what the shipped mapping fills, and what the stand-in has are the same fields."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from zcc_pipeline.exports.mapping import read_mapping
from zcc_pipeline.exports.salesforce.metadata import check_key, check_target, read_describe
from zcc_pipeline.exports.salesforce.options import SalesforceOptions, TaskOptions
from zcc_pipeline.simulator.crm.salesforce.schema import ACTIVITY_KEY, ENGAGEMENT

ROOT = Path(__file__).parents[4] / "deploy" / "salesforce"
MAIN = ROOT / "force-app" / "main" / "default"
OBJECT = "Contact_Center_Engagement__c"
NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
SYSTEM = {"Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp", "OwnerId", "Name"}
TYPES = {
    "Text": "string",
    "LongTextArea": "textarea",
    "Number": "double",
    "DateTime": "datetime",
    "Checkbox": "boolean",
    "Phone": "phone",
    "Lookup": "reference",
}
LENGTHS = {"Phone": 40, "Lookup": 18}


def read(path: Path) -> dict[str, Any]:
    """A metadata file; a name that is there several times has a list."""
    return _content(ET.parse(path).getroot())  # noqa: S314 - our own file


def _content(node: ET.Element) -> Any:
    if not len(node):
        return node.text or ""
    found: dict[str, Any] = {}
    for child in node:
        found.setdefault(child.tag.removeprefix(NAMESPACE), []).append(_content(child))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def deployed_fields(folder: Path = MAIN / "objects" / OBJECT / "fields") -> dict[str, dict[str, Any]]:
    found = {path.name.partition(".")[0]: read(path) for path in sorted(folder.iterdir())}
    assert all(name == each["fullName"] for name, each in found.items())
    return found


def as_described(field: dict[str, Any]) -> dict[str, Any]:
    """What ``describe`` will say of a field once it is deployed and the permission set is assigned."""
    return {
        "name": field["fullName"],
        "type": TYPES[field["type"]],
        "length": int(field.get("length", LENGTHS.get(field["type"], 0))),
        "createable": True,
        "updateable": True,
        "nillable": field.get("required") != "true",
        "externalId": field.get("externalId") == "true",
        "unique": field.get("unique") == "true",
        "caseSensitive": field.get("caseSensitive") == "true",
        "referenceTo": [field["referenceTo"]] if "referenceTo" in field else [],
        "digits": int(field.get("precision", 0)) - int(field.get("scale", 0)),
        "scale": int(field.get("scale", 0)),
    }


def described_object() -> dict[str, Any]:
    owner = {"name": "OwnerId", "type": "reference", "createable": True, "updateable": True, "referenceTo": ["User"]}
    fields = [as_described(each) for each in deployed_fields().values()]
    return {"name": OBJECT, "createable": True, "updateable": True, "fields": [*fields, owner]}


def test_the_shipped_mapping_fits_what_is_deployed() -> None:
    mapping = read_mapping("salesforce", None)
    (name,) = mapping.section.targets
    target, options = mapping.section.targets[name], mapping.options(name, SalesforceOptions)
    found = list(check_target(name, target, options, mapping.section, read_describe(described_object())))
    assert found == []


def test_everything_that_is_deployed_is_filled() -> None:
    (target,) = read_mapping("salesforce", None).section.targets.values()
    assert set(deployed_fields()) == {target.key, *target.fields, "Contact__c", "Lead__c"}


def test_the_stand_in_has_the_deployed_fields_and_no_others() -> None:
    there = {name: spec for name, spec in ENGAGEMENT.fields.items() if name not in SYSTEM}
    for name, field in deployed_fields().items():
        spec, said = there.pop(name), as_described(field)
        assert (spec.type, spec.length) == (said["type"], said["length"]), name
        assert (spec.is_external_id, spec.is_unique, spec.is_case_sensitive) == (
            said["externalId"],
            said["unique"],
            said["caseSensitive"],
        ), name
        assert (list(spec.refers_to), spec.is_required) == (said["referenceTo"], not said["nillable"]), name
        assert (spec.digits, spec.scale) == (said["digits"], said["scale"]), name
    assert there == {}


def test_the_optional_key_on_activities_is_what_tasks_are_upserted_by() -> None:
    (field,) = deployed_fields(ROOT / "with-tasks" / "main" / "default" / "objects" / "Activity" / "fields").values()
    assert field["fullName"] == TaskOptions().key == ACTIVITY_KEY.name
    info = read_describe({"name": "Task", "fields": [as_described(field)]})
    assert list(check_key(("key",), TaskOptions().key, info)) == []


@pytest.mark.parametrize(
    ("name", "editable"), [("Zoom_Contact_Center_Export", "true"), ("Zoom_Contact_Center_Read", "false")]
)
def test_permission_sets_name_every_field_but_the_required_one_which_may_not_be_named(name: str, editable: str) -> None:
    found = read(MAIN / "permissionsets" / f"{name}.permissionset-meta.xml")
    named = {each["field"]: each["editable"] for each in found["fieldPermissions"]}
    own = {field.partition(".")[2]: rule for field, rule in named.items() if field.startswith(f"{OBJECT}.")}
    assert own == dict.fromkeys(set(deployed_fields()) - {"Engagement_Id__c"}, editable)


def test_the_integration_user_may_see_and_edit_what_agents_own() -> None:
    found = read(MAIN / "permissionsets" / "Zoom_Contact_Center_Export.permissionset-meta.xml")
    rights = {each["object"]: each for each in found["objectPermissions"]}
    assert all(rights[OBJECT][right] == "true" for right in ("allowCreate", "allowEdit", "modifyAllRecords"))
    assert all(rights[each]["allowRead"] == "true" for each in ("Contact", "Lead", "Account"))
    assert rights["Contact"]["allowEdit"] == "false"


def test_activities_are_allowed_so_that_tasks_can_be_about_an_engagement() -> None:
    assert read(MAIN / "objects" / OBJECT / f"{OBJECT}.object-meta.xml")["enableActivities"] == "true"


def test_every_file_is_metadata_of_its_kind_with_a_tool_that_finds_it() -> None:
    project = json.loads((ROOT / "sfdx-project.json").read_bytes())
    folders = {each["path"] for each in project["packageDirectories"]}
    files = sorted(ROOT.rglob("*-meta.xml"))
    assert len(files) > 35
    for path in files:
        assert path.relative_to(ROOT).parts[0] in folders
        kind = re.fullmatch(r".+\.(field|object|permissionset|tab|listView)-meta\.xml", path.name)
        assert kind is not None
        root = {"field": "CustomField", "object": "CustomObject", "permissionset": "PermissionSet", "tab": "CustomTab"}
        assert ET.parse(path).getroot().tag == NAMESPACE + root.get(kind[1], "ListView")  # noqa: S314
    manifest = read(ROOT / "manifest" / "package.xml")
    assert manifest["version"] == project["sourceApiVersion"]
