"""Associations between records: the default kind, and kinds by number. Both may be repeated.

Type numbers: call to contact 194, note to contact 202, communication to contact 81
(https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from zcc_pipeline.simulator.crm.base import Answer, json_answer
from zcc_pipeline.simulator.crm.hubspot.properties import instant
from zcc_pipeline.simulator.crm.hubspot.records import Record, Records
from zcc_pipeline.simulator.crm.hubspot.refusals import invalid, malformed, row_error

MOST_INPUTS = 2_000
TO_CONTACT = {"calls": 194, "notes": 202, "communications": 81}


def associate(
    tables: Mapping[str, Records],
    kinds: tuple[str, str],
    content: Any,  # noqa: ANN401 JSON
    *,
    by_number: bool,
    now: Callable[[], datetime],
) -> Answer:
    """Link each pair. A record that is not there makes that pair an error (207), the others are linked."""
    started = instant(now())
    results, errors = [], []
    for one in _read(content):
        pair = _ids(one)
        if by_number:
            _check_types(one, kinds)
        ends = [tables[kind].find(id_) for kind, id_ in zip(kinds, pair, strict=True)]
        if ends[0] is None or ends[1] is None:
            errors.append(
                row_error(
                    "OBJECT_NOT_FOUND",
                    "One or more objects do not exist",
                    fromObjectId=[pair[0]],
                    toObjectId=[pair[1]],
                )
            )
            continue
        _link(ends[0], kinds[1], ends[1])
        _link(ends[1], kinds[0], ends[0])
        number = TO_CONTACT.get(kinds[0], 1)
        results.append(
            {
                "from": {"id": pair[0]},
                "to": {"id": pair[1]},
                "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number},
            }
        )
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": started, "completedAt": started}
    if errors:
        return json_answer(body | {"numErrors": len(errors), "errors": errors}, status=207)
    return json_answer(body, status=201 if by_number else 200)


def _read(content: Any) -> list[dict[str, Any]]:  # noqa: ANN401 JSON
    inputs = content.get("inputs") if isinstance(content, dict) else None
    if not isinstance(inputs, list):
        raise malformed("Some required fields were not set: [inputs]")
    if len(inputs) > MOST_INPUTS:
        raise invalid(f"The maximum number of inputs is {MOST_INPUTS}")
    return inputs


def _ids(one: dict[str, Any]) -> tuple[str, str]:
    try:
        pair = (one["from"]["id"], one["to"]["id"])
    except (KeyError, TypeError):
        raise malformed("an association has two ends") from None
    if not all(isinstance(each, str) for each in pair):
        raise malformed("ids are texts")
    return pair


def _check_types(one: dict[str, Any], kinds: tuple[str, str]) -> None:
    types = one.get("types")
    if not isinstance(types, list) or not types:
        raise malformed("Some required fields were not set: [types]")
    for each in types:
        if each.get("associationCategory") == "HUBSPOT_DEFINED" and each.get("associationTypeId") != TO_CONTACT.get(
            kinds[0]
        ):
            raise invalid(f"{each.get('associationTypeId')} is no association type between {kinds[0]} and {kinds[1]}")


def _link(one: Record, kind: str, other: Record) -> None:
    ids = one.linked.setdefault(kind, [])
    if other.id not in ids:
        ids.append(other.id)
