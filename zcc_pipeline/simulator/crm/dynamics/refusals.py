"""Refusals in Dataverse's own codes and shape: ``{"error":{"code":"0x8…","message":…}}``.

Codes: https://learn.microsoft.com/en-us/power-apps/developer/data-platform/reference/web-service-error-codes and
…/api-limits (read as stored copies, Nov 2026).
"""

from __future__ import annotations

from collections.abc import Mapping

from zcc_pipeline.simulator.crm.base import Answer, RefusedError, json_answer

INVALID_PAYLOAD = "0x80048d19"
UNKNOWN_SEGMENT = "0x80060888"
NOT_THERE = "0x80040217"
EXISTS = "0x80040237"
KEY_VIOLATED = "0x80060892"
KEY_UNKNOWN = "0x80060891"
TOO_LONG = "0x80044331"
OUT_OF_RANGE = "0x80044330"
WRONG_STATE = "0x80048408"
CLOSED = "0x80045004"
"""Which code the real one gives for a closed activity is not documented; clients may not depend on it."""
UNSUPPORTED = "0x80040800"
PLUG_IN = "0x80040265"
TOO_LARGE = "0x80044a02"
GENERIC = "0x80040216"
TOO_MANY_CALLS = "0x80072322"
TOO_MUCH_TIME = "0x80072321"
TOO_MANY_AT_ONCE = "0x80072326"
UNAVAILABLE = "0x80044150"
UNAUTHORIZED = "0x80040220"


def error_answer(status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> Answer:
    """An error as an answer."""
    return json_answer({"error": {"code": code, "message": message}}, status=status, headers=headers)


def refuse(status: int, code: str, message: str) -> RefusedError:
    """An error to be raised."""
    return RefusedError(error_answer(status, code, message))


def bad_payload(why: str) -> RefusedError:
    """A body that OData cannot read into the table."""
    return refuse(
        400,
        INVALID_PAYLOAD,
        "Error identified in Payload provided by the user for Entity :'', "
        f"InnerException : Microsoft.OData.ODataException: {why}",
    )


def not_there(table: str, where: str) -> RefusedError:
    """No such row."""
    return refuse(404, NOT_THERE, f"{table} With {where} Does Not Exist")
