"""The tables a Dynamics 365 organisation has out of the box, as far as an export meets them.

Column lengths of phone calls: table reference ``phonecall`` (2020); of notes: ``annotation``; of contacts: ``contact``.
"""

from __future__ import annotations

from zcc_pipeline.simulator.crm.dynamics.schema import Column, Link, Table, table, texts

ENGAGEMENT = "zcc_engagement"
ENGAGEMENT_KEY = "zcc_zoomengagementid"


def standard_tables() -> list[Table]:
    """Fresh ones, as definitions are changed by requests."""
    return [_contact(), _system_user(), _phone_call(), _annotation(), _publisher(), _solution(), _organization()]


def _contact() -> Table:
    columns = [
        *texts(firstname=50, lastname=50, emailaddress1=100, emailaddress2=100, emailaddress3=100),
        *texts(telephone1=50, telephone2=50, telephone3=50, mobilephone=50),
        Column("fullname", "String", maximum=160, is_primary_name=True, is_valid_for_create=False),
    ]
    return table("contact", "contacts", columns, [_owner("contact")], has_notes=True)


def _system_user() -> Table:
    columns = [
        *texts(internalemailaddress=100, firstname=64, lastname=64, domainname=1024),
        Column("fullname", "String", maximum=200, is_primary_name=True, is_valid_for_create=False),
        Column("isdisabled", "Boolean"),
    ]
    return table("systemuser", "systemusers", columns)


def _phone_call() -> Table:
    columns = [
        Column("subject", "String", maximum=200, is_primary_name=True),
        Column("description", "Memo", maximum=2000),
        *texts(phonenumber=200, category=250, subcategory=250),
        Column("directioncode", "Boolean"),
        Column("leftvoicemail", "Boolean"),
        Column("actualdurationminutes", "Integer", minimum=0, maximum=2_147_483_647),
        *(Column(name, "DateTime") for name in ("actualstart", "actualend", "scheduledstart", "scheduledend")),
    ]
    links = [
        _owner("phonecall"),
        Link("regardingobjectid_contact_phonecall", "regardingobjectid", "contact", "RegardingObjectId"),
    ]
    return table("phonecall", "phonecalls", columns, links, has_notes=True, is_activity=True, takes_bulk=False)


def _annotation() -> Table:
    columns = [
        Column("subject", "String", maximum=500, is_primary_name=True),
        Column("notetext", "Memo", maximum=100_000),
        *texts(filename=255, mimetype=256),
        Column("documentbody", "Memo"),
        Column("isdocument", "Boolean"),
        Column("filesize", "Integer", is_valid_for_create=False, is_valid_for_update=False),
    ]
    links = [
        _owner("annotation"),
        Link("objectid_contact", "objectid", "contact", "ObjectId"),
        Link("objectid_phonecall", "objectid", "phonecall", "ObjectId"),
    ]
    return table("annotation", "annotations", columns, links, takes_bulk=False)


def _publisher() -> Table:
    columns = [
        *texts(uniquename=256, customizationprefix=8),
        Column("friendlyname", "String", maximum=256, is_primary_name=True),
        Column("description", "Memo", maximum=2000),
        Column("customizationoptionvalueprefix", "Integer", minimum=10_000, maximum=99_999),
    ]
    return table("publisher", "publishers", columns)


def _solution() -> Table:
    columns = [
        *texts(uniquename=65, version=256),
        Column("friendlyname", "String", maximum=256, is_primary_name=True),
        Column("description", "Memo", maximum=2000),
    ]
    return table("solution", "solutions", columns, [Link("publisherid", "publisherid", "publisher", "PublisherId")])


def _organization() -> Table:
    columns = [
        Column("name", "String", maximum=160, is_primary_name=True),
        Column("languagecode", "Integer"),
        Column("maxuploadfilesize", "Integer", minimum=0, maximum=131_072_000),
        Column("blockedattachments", "Memo"),
    ]
    return table("organization", "organizations", columns)


def _owner(logical: str) -> Link:
    return Link("ownerid", "ownerid", "systemuser", f"{logical}_ownerid")
