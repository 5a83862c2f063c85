"""Control routes under ``/_control``: what tests and stories do to a CRM, and what they see of it. All JSON.

    GET  state            calls and writes counted, 429s, tokens, violations of the definition, writes held
    GET  records          everything the CRM holds, in its own shape
    GET  record?holds=V   the first record with a field of that value: {"kind", "record"}; 404 where there is none
    POST holding          {"values"}: how many of them are a field's value of one record, of several, of none
                          -> {"once": 40, "several": 0, "missing": 2}
    POST faults           the fields of ``Faults``; those not named are off
    POST limits           {"limits": {label: {"calls", "seconds"}}, "calls_at_once": 0}
    POST people           {"people": [{"name", "email", "phone", "kind"}]}
    POST revoke-tokens    {}
    POST reset-counters   {}
    POST release          {}: writes that are held go on

Each CRM may have more. Answers: 404 for an unknown command, 422 for one that cannot be understood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import msgspec

from zcc_pipeline.simulator.crm.base.answers import Answer, MalformedBodyError, json_answer
from zcc_pipeline.simulator.crm.base.faults import Faults
from zcc_pipeline.simulator.crm.base.limits import Limit
from zcc_pipeline.simulator.crm.base.options import Person
from zcc_pipeline.simulator.crm.base.request import Request

if TYPE_CHECKING:
    from zcc_pipeline.simulator.crm.base.standin import CrmStandIn

CONTROL_PATH = "/_control/"
PEOPLE_PATH = f"{CONTROL_PATH}people"
"""What is done there is part of what the CRM holds."""

Body = dict[str, Any]


class Control:
    """The control routes of one stand-in."""

    def __init__(self, standin: CrmStandIn) -> None:
        self._standin = standin
        self._views = {"state": standin.state, "records": standin.records}
        self._commands = {
            "faults": self._set_faults,
            "limits": self._set_limits,
            "people": self._add_people,
            "revoke-tokens": lambda _body: {"revoked": standin.tokens.revoke_all()},
            "holding": self._holding,
            "reset-counters": self._reset_counters,
            "release": self._release,
            **standin.commands(),
        }

    def answer(self, request: Request) -> Answer:
        """Carry out one control call."""
        name = request.path.removeprefix(CONTROL_PATH)
        if request.method == "GET" and name == "record":
            return self._record(request.query.get("holds", ""))
        if request.method == "GET" and name in self._views:
            return json_answer(self._views[name]())
        if request.method != "POST" or name not in self._commands:
            return json_answer({"error": f"no such control route: {request.method} {name}"}, status=404)
        try:
            body = request.json_object() if request.body else {}
            return json_answer(self._commands[name](body))
        except (MalformedBodyError, msgspec.ValidationError, KeyError, TypeError, ValueError) as error:
            return json_answer({"error": f"{type(error).__name__}: {error}"}, status=422)

    def _record(self, value: str) -> Answer:
        for kind, record in _each_record(self._standin.records()):
            if value in _values(record):
                return json_answer({"kind": kind, "record": record})
        return json_answer({"error": f"no record holds {value!r}"}, status=404)

    def _holding(self, body: Body) -> object:
        wanted = set(body["values"])
        found: Counter[str] = Counter()
        for _, record in _each_record(self._standin.records()):
            found.update(wanted.intersection(_values(record)))
        several = sum(count > 1 for count in found.values())
        return {"once": len(found) - several, "several": several, "missing": len(wanted) - len(found)}

    def _set_faults(self, body: Body) -> object:
        unknown = body.keys() - {field.name for field in fields(Faults)}
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        self._standin.set_faults(msgspec.convert(body, Faults))
        return self._standin.state()

    def _set_limits(self, body: Body) -> object:
        limits = msgspec.convert(body["limits"], dict[str, Limit])
        self._standin.limits.configure(limits, calls_at_once=int(body.get("calls_at_once", 0)))
        return self._standin.state()

    def _add_people(self, body: Body) -> object:
        people = msgspec.convert(body["people"], list[Person])
        for person in people:
            self._standin.add_person(person)
        self._standin.people_added += len(people)
        return {"added": len(people)}

    def _reset_counters(self, _body: Body) -> object:
        self._standin.counters.reset()
        return self._standin.state()

    def _release(self, _body: Body) -> object:
        self._standin.release()
        return self._standin.state()


def _each_record(held: Any, kind: str = "") -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 JSON
    """Records under their kind, however a CRM groups its kinds."""
    if isinstance(held, dict):
        for name, content in held.items():
            yield from _each_record(content, name)
    elif isinstance(held, list):
        yield from ((kind, each) for each in held if isinstance(each, dict))


def _values(record: dict[str, Any]) -> set[str]:
    """Texts of its fields, and of fields grouped below one."""
    found = {value for value in record.values() if isinstance(value, str)}
    for group in record.values():
        if isinstance(group, dict):
            found.update(value for value in group.values() if isinstance(value, str))
    return found
