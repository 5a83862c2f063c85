"""The rows in which an instance describes itself, and those that an administrator has made."""

from __future__ import annotations

from zcc_pipeline.simulator.crm.servicenow.instance import Instance
from zcc_pipeline.simulator.crm.servicenow.schema import KEY, STAGING, staging_name, transformed_columns

_ATTACHABLE = "txt,json,csv,pdf,mp3,mp4,m4a,wav,vtt,zip,png,jpg"


def describe(instance: Instance) -> None:
    """Write them. Once, into an empty instance."""
    objects = _tables(instance)
    _dictionary(instance)
    _indexes(instance, objects)
    for name, value in (
        ("glide.oauth.inbound.client.credential.grant_type.enabled", "true"),
        ("com.glide.attachment.max_size", "1024"),
        ("glide.attachment.extensions", _ATTACHABLE),
    ):
        instance.insert("sys_properties", {"name": name, "value": value})
    if instance.setup.staging and instance.setup.transform:
        _transform(instance)
    if instance.setup.insert_multiple != "asynchronous_labels":
        instance.insert("sys_rest_insert_multiple", {"source_table": STAGING})


def _tables(instance: Instance) -> dict[str, str]:
    made: dict[str, str] = {}
    for table in sorted(instance.tables.values(), key=lambda each: bool(each.parent)):
        values = {"name": table.name, "label": table.label, "super_class": made.get(table.parent, "")}
        made[table.name] = instance.insert("sys_db_object", values)["sys_id"]
    return made


def _dictionary(instance: Instance) -> None:
    """Inherited columns are described at the table that declares them, as on a real instance."""
    for table in instance.tables.values():
        instance.insert("sys_dictionary", {"name": table.name, "internal_type": "collection", "active": "true"})
        inherited = instance.columns(table.parent) if table.parent else {}
        for column in instance.columns(table.name).values():
            if column.name in inherited:
                continue
            instance.insert(
                "sys_dictionary",
                {
                    "name": table.name,
                    "element": column.name,
                    "column_label": column.label,
                    "internal_type": column.type,
                    "max_length": str(column.max_length),
                    "reference": column.reference,
                    "unique": str(column.is_unique).lower(),
                    "read_only": str(column.is_read_only).lower(),
                    "mandatory": "false",
                    "active": "true",
                },
            )


def _indexes(instance: Instance, objects: dict[str, str]) -> None:
    for name in ("interaction", "sys_user"):
        for column in instance.columns(name).values():
            if column.is_unique:
                instance.insert(
                    "sys_index",
                    {
                        "table": objects[name],
                        "logical_table_name": name,
                        "col_name_string": column.name,
                        "unique_index": "true",
                    },
                )


def _transform(instance: Instance) -> None:
    setup = instance.setup
    made = instance.insert(
        "sys_transform_map",
        {
            "name": "ZCC engagements",
            "source_table": STAGING,
            "target_table": "interaction",
            "active": "true",
            "copy_empty_fields": str(setup.copy_empty_fields).lower(),
        },
    )
    for column in transformed_columns():
        instance.insert(
            "sys_transform_entry",
            {
                "map": made["sys_id"],
                "source_table": STAGING,
                "source_field": staging_name(column.name),
                "target_table": "interaction",
                "target_field": column.name,
                "coalesce": str(setup.coalesce and column.name == KEY).lower(),
                "coalesce_empty_fields": "false",
                "coalesce_case_sensitive": "false",
                "choice_action": "ignore",
                "reference_value_field": "sys_id" if column.reference else "",
                "date_format": "yyyy-MM-dd HH:mm:ss",
            },
        )
