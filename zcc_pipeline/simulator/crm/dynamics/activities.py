"""What activities allow: nothing but a change of state once they are closed, and no state at birth.

https://learn.microsoft.com/en-us/power-apps/developer/data-platform/reference/entities/phonecall: states 0 open, 1
completed, 2 cancelled; completed phone calls have status 2 (made) or 4 (received).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zcc_pipeline.simulator.crm.dynamics.refusals import CLOSED, WRONG_STATE, refuse
from zcc_pipeline.simulator.crm.dynamics.schema import Table

_STATUSES = {"phonecall": {0: {1}, 1: {2, 4}, 2: {3}}}
_OTHER_STATUSES = {0: {1}, 1: {2}}
_STATE = frozenset({"statecode", "statuscode"})


def check_state(table: Table, row: Mapping[str, Any] | None, body: Mapping[str, Any]) -> None:
    """Refuse what the state of a row (None: it is being made) does not allow."""
    if row is None:
        if body.get("statecode", 0) != 0:
            raise refuse(400, WRONG_STATE, f"statecode of {table.logical} cannot be set when it is created.")
        return
    state = body.get("statecode", row["statecode"])
    if table.is_activity and row["statecode"] != 0 and not set(body) <= _STATE:
        raise refuse(400, CLOSED, f"This {table.logical} is closed and read-only.")
    status = body.get("statuscode")
    if status is not None and status not in _STATUSES.get(table.logical, _OTHER_STATUSES).get(state, set()):
        raise refuse(
            400, WRONG_STATE, f"{status} is not a valid status code for state code {state} on {table.logical}."
        )
    if state not in _STATUSES.get(table.logical, _OTHER_STATUSES):
        raise refuse(400, WRONG_STATE, f"{state} is not a valid state code on {table.logical}.")


def party_rows(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """The parties of an activity, as an expansion shows them."""
    name = f"{table.logical}_activity_parties"
    return {name: row[name]} if name in row else {}
