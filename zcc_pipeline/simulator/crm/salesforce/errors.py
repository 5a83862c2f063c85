"""Refusals in Salesforce's own words: of a whole call, and of one row of it.

Codes as in https://developer.salesforce.com/docs/platform/api/references/api-soap/sforce-api-calls-concepts-core-data-objects.html
(``StatusCode`` and ``ExceptionCode``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zcc_pipeline.domain.errors import ZccPipelineError
from zcc_pipeline.simulator.crm.base.answers import RefusedError, json_answer


def refuse(status: int, code: str, message: str, *, fields: Sequence[str] | None = None) -> RefusedError:
    """A call that is refused whole: an array with one error."""
    error: dict[str, Any] = {"message": message, "errorCode": code}
    if fields is not None:
        error["fields"] = list(fields)
    return RefusedError(json_answer([error], status=status))


def unparsable(message: str) -> RefusedError:
    """A body that cannot be read as records: nothing of it is done, whatever the other rows hold."""
    return refuse(400, "JSON_PARSER_ERROR", message)


def invalid_field(message: str) -> RefusedError:
    """A field that the object has not, or not for this purpose."""
    return refuse(400, "INVALID_FIELD", message)


def not_found(message: str = "The requested resource does not exist") -> RefusedError:
    """No such object, field or address."""
    return refuse(404, "NOT_FOUND", message)


@dataclass(frozen=True, slots=True)
class RowError:
    """Why one row is refused."""

    code: str
    message: str
    fields: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As Collections answers it."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}

    def as_text(self) -> str:
        """As Bulk's ``sf__Error`` has it."""
        return f"{self.code}:{self.message}:{' '.join(self.fields) or '--'}"


class RowRefusedError(ZccPipelineError):
    """One row is refused."""

    def __init__(self, code: str, message: str, *fields: str) -> None:
        super().__init__(f"row refused: {code}")
        self.error = RowError(code, message, fields)
