"""Tables and columns of the stand-in's instance: the platform's own that matter here, and what is added.

Names are those of the ServiceNowDocs repository (Australia release) and of public instances' own scripts; a real
instance has many more. ``sys_dictionary``, ``sys_db_object``, ``sys_index`` and the transform map are rows like any
others, made from what is declared here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

JOURNALS = frozenset({"journal", "journal_input"})
LONGEST_ENFORCED = 255
"""Text up to this length is cut without a word; what is declared longer is stored whole (KB0685779)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, as ``sys_dictionary`` tells of it."""

    name: str
    label: str
    type: str = "string"
    max_length: int = 40
    reference: str = ""
    is_unique: bool = False
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table; its columns come after those of ``parent``."""

    name: str
    label: str
    columns: tuple[Column, ...] = ()
    parent: str = ""


def _text(name: str, label: str, length: int = 40, *, unique: bool = False) -> Column:
    return Column(name, label, max_length=length, is_unique=unique)


def _reference(name: str, label: str, table: str) -> Column:
    return Column(name, label, "reference", 32, reference=table)


def _flag(name: str, label: str) -> Column:
    return Column(name, label, "boolean", 40)


def _time(name: str, label: str) -> Column:
    return Column(name, label, "glide_date_time", 40)


SYSTEM_COLUMNS = (
    Column("sys_id", "Sys ID", "GUID", 32, is_unique=True, is_read_only=True),
    Column("sys_created_on", "Created", "glide_date_time", 40, is_read_only=True),
    Column("sys_created_by", "Created by", max_length=40, is_read_only=True),
    Column("sys_updated_on", "Updated", "glide_date_time", 40, is_read_only=True),
    Column("sys_updated_by", "Updated by", max_length=40, is_read_only=True),
    Column("sys_mod_count", "Updates", "integer", 40, is_read_only=True),
    Column("sys_class_name", "Class", "sys_class_name", 80, is_read_only=True),
)

KEY = "u_zcc_engagement_id"
STAGING = "u_zcc_engagement_import"

ADDED_TO_INTERACTION = (
    _text(KEY, "ZCC engagement id", 64, unique=True),
    _text("u_zcc_summary", "ZCC summary", 4000),
    _text("u_zcc_transcript", "ZCC transcript", 65000),
    _text("u_zcc_dispositions", "ZCC dispositions", 255),
    Column("u_recording_url", "Recording URL", "url", 1024),
    Column("u_zcc_duration_seconds", "ZCC duration (seconds)", "integer", 40),
    Column("u_zcc_talk_seconds", "ZCC talk time (seconds)", "integer", 40),
    Column("u_zcc_waiting_seconds", "ZCC waiting time (seconds)", "integer", 40),
    _text("u_zcc_queue", "ZCC queue", 100),
    _text("u_zcc_agent", "ZCC agent", 100),
    _text("u_zcc_customer_name", "ZCC customer name", 100),
    _text("u_zcc_customer_phone", "ZCC customer phone", 40),
    _flag("u_zcc_deleted_at_source", "ZCC deleted at source"),
)
"""What ``deploy/servicenow/`` creates on ``interaction``; the columns a mapping needs beyond the platform's own."""

_INTERACTION = (
    Column("number", "Number", max_length=40, is_unique=True, is_read_only=True),
    _text("type", "Type"),
    _text("direction", "Direction"),
    _text("state", "State"),
    _text("short_description", "Short description", 160),
    _reference("opened_for", "Opened for", "sys_user"),
    _reference("consumer", "Consumer", "csm_consumer"),
    _reference("assigned_to", "Assigned to", "sys_user"),
    _reference("queue", "Queue", "awa_queue"),
    _time("opened_at", "Opened"),
    _time("closed_at", "Closed"),
    _text("correlation_id", "Correlation ID", 100),
    Column("work_notes", "Work notes", "journal_input", 4000),
)

_PERSON = (
    _text("name", "Name", 151),
    _text("first_name", "First name", 50),
    _text("last_name", "Last name", 50),
    Column("email", "Email", "email", 100),
    Column("phone", "Business phone", "ph_number", 40),
    Column("mobile_phone", "Mobile phone", "ph_number", 40),
    Column("home_phone", "Home phone", "ph_number", 40),
    _flag("active", "Active"),
)

_IMPORT_ROW = (
    _reference("sys_import_set", "Set", "sys_import_set"),
    Column("sys_import_row", "Row", "integer"),
    _text("sys_import_state", "State"),
    _text("sys_import_state_comment", "Comment", 4000),
    _text("sys_target_table", "Target table", 80),
    _text("sys_target_sys_id", "Target record", 32),
    _reference("sys_transform_map", "Transform map", "sys_transform_map"),
    _text("sys_row_error", "Error", 32),
)

_PLATFORM = (
    Table(
        "sys_db_object",
        "Table",
        (
            _text("name", "Name", 80),
            _text("label", "Label", 80),
            _reference("super_class", "Extends table", "sys_db_object"),
        ),
    ),
    Table(
        "sys_dictionary",
        "Dictionary Entry",
        (
            _text("name", "Table", 80),
            _text("element", "Column name", 80),
            _text("column_label", "Column label", 80),
            _text("internal_type", "Type", 40),
            Column("max_length", "Max length", "integer"),
            _text("reference", "Reference", 80),
            _flag("unique", "Unique"),
            _flag("read_only", "Read only"),
            _flag("mandatory", "Mandatory"),
            _flag("active", "Active"),
        ),
    ),
    Table(
        "sys_index",
        "Table Index",
        (
            _reference("table", "Table", "sys_db_object"),
            _text("logical_table_name", "Table name", 80),
            _text("col_name_string", "Columns", 255),
            _flag("unique_index", "Unique index"),
        ),
    ),
    Table("awa_queue", "Queue", (_text("name", "Name", 80),)),
    Table("sys_properties", "System Property", (_text("name", "Name", 100), _text("value", "Value", 4000))),
    Table(
        "sys_transform_map",
        "Table Transform Map",
        (
            _text("name", "Name", 100),
            _text("source_table", "Source table", 80),
            _text("target_table", "Target table", 80),
            _flag("active", "Active"),
            _flag("copy_empty_fields", "Copy empty fields"),
        ),
    ),
    Table(
        "sys_transform_entry",
        "Field Map",
        (
            _reference("map", "Map", "sys_transform_map"),
            _text("source_table", "Source table", 80),
            _text("source_field", "Source field", 80),
            _text("target_table", "Target table", 80),
            _text("target_field", "Target field", 80),
            _flag("coalesce", "Coalesce"),
            _flag("coalesce_empty_fields", "Coalesce empty fields"),
            _flag("coalesce_case_sensitive", "Case sensitive"),
            _text("choice_action", "Choice action", 40),
            _text("reference_value_field", "Referenced value field name", 80),
            _text("date_format", "Date format", 40),
        ),
    ),
    Table(
        "sys_import_set",
        "Import Set",
        (_text("number", "Number"), _text("state", "State"), _text("table_name", "Table", 80)),
    ),
    Table("sys_import_set_row", "Import Set Row", _IMPORT_ROW),
    Table("sys_multi_import_set", "Multi Import Set", (_text("number", "Number"),)),
    Table("sys_rest_insert_multiple", "REST Insert Multiple", (_text("source_table", "Source table", 80),)),
    Table(
        "sys_journal_field",
        "Journal Entry",
        (
            _text("name", "Table", 80),
            _text("element", "Element", 80),
            _text("element_id", "Element ID", 32),
            _text("value", "Value", 4000),
        ),
    ),
    Table(
        "sys_attachment",
        "Attachment",
        (
            _text("table_name", "Table name", 80),
            _text("table_sys_id", "Table sys ID", 32),
            _text("file_name", "File name", 100),
            _text("content_type", "Content type", 100),
            Column("size_bytes", "Size bytes", "integer"),
            _text("hash", "Hash", 64),
        ),
    ),
    Table("sys_user", "User", (_text("user_name", "User ID", 40), *_PERSON)),
    Table(
        "task",
        "Task",
        (
            Column("number", "Number"),
            _text("short_description", "Short description", 160),
            _text("correlation_id", "Correlation ID", 100),
            _text("correlation_display", "Correlation display", 100),
            Column("work_notes", "Work notes", "journal_input", 4000),
        ),
    ),
    Table("incident", "Incident", (_reference("caller_id", "Caller", "sys_user"),), parent="task"),
)

_CUSTOMER_SERVICE = (
    Table("csm_consumer", "Consumer", (*_PERSON, _text("business_phone", "Business phone"))),
    Table("customer_contact", "Contact", (_text("account", "Account", 32),), parent="sys_user"),
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What an administrator of this instance has done. Tests leave out a step to see what happens without it."""

    columns: bool = True
    unique: bool = True
    staging: bool = True
    transform: bool = True
    coalesce: bool = True
    copy_empty_fields: bool = True
    staging_lengths: Mapping[str, int] = field(default_factory=dict)
    """Columns of the staging table that are shorter than their targets."""
    insert_multiple: str = "asynchronous_labels"
    """``synchronous_names`` or ``asynchronous_names`` where ``sys_rest_insert_multiple`` says so."""
    customer_service: bool = True
    """Customer Service Management is there, with its consumers and contacts."""


def tables_of(setup: Setup) -> dict[str, Table]:
    """Every table of the instance."""
    added: tuple[Column, ...] = ADDED_TO_INTERACTION if setup.columns else ()
    if not setup.unique:
        added = tuple(replace(column, is_unique=False) for column in added)
    interaction = Table("interaction", "Interaction", (*_INTERACTION, *added))
    tables = [*_PLATFORM, interaction]
    if setup.customer_service:
        tables += _CUSTOMER_SERVICE
    if setup.staging:
        tables.append(Table(STAGING, "ZCC engagement import", staging_columns(setup), parent="sys_import_set_row"))
    return {table.name: table for table in tables}


def staging_columns(setup: Setup) -> tuple[Column, ...]:
    """One text column for each target that the transform map fills."""
    columns = []
    for target in transformed_columns():
        name = staging_name(target.name)
        length = setup.staging_lengths.get(name, max(target.max_length, 40))
        columns.append(Column(name, target.label, max_length=length))
    return tuple(columns)


def transformed_columns() -> Iterator[Column]:
    """Columns of ``interaction`` that the transform map fills: all that may be written, but never a journal."""
    for column in (*_INTERACTION, *ADDED_TO_INTERACTION):
        if not column.is_read_only and column.type not in JOURNALS:
            yield column


def staging_name(target: str) -> str:
    """The platform puts ``u_`` before every column that is made on an instance."""
    return target if target.startswith("u_") else f"u_{target}"
