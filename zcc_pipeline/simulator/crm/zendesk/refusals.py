"""Zendesk's refusals: ``error`` is a word, and now and then an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zcc_pipeline.simulator.crm.base import Answer, RefusedError, json_answer


def refusal(
    status: int,
    error: str,
    description: str,
    *,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The usual shape."""
    body: dict[str, Any] = {"error": error, "description": description}
    if details is not None:
        body["details"] = details
    return json_answer(body, status=status, headers=headers)


def titled(status: int, title: str, message: str) -> Answer:
    """The other shape, which the edge in front of the application uses."""
    return json_answer({"error": {"title": title, "message": message}}, status=status)


def refuse(status: int, error: str, description: str, **more: Any) -> RefusedError:  # noqa: ANN401 as ``refusal``
    """To be raised."""
    return RefusedError(refusal(status, error, description, **more))


class InvalidRecordError(Exception):
    """One record that cannot be saved; a 422 where it came alone, a failed row where it came in a job."""

    def __init__(self, field: str, problem: str, code: str = "InvalidValue") -> None:
        super().__init__(f"{field.capitalize()}: {problem}")
        self.field, self.problem, self.code = field, problem, code

    def as_refusal(self) -> RefusedError:
        """``RecordInvalid`` with its details."""
        details = {self.field: [{"description": str(self), "error": self.code}]}
        return refuse(422, "RecordInvalid", "Record validation errors", details=details)


def missing(what: str = "Not found") -> RefusedError:
    """No such record."""
    return refuse(404, "RecordNotFound", what)
