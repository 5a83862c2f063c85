"""Users: end users, agents, and the administrator to whom the token belongs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from zcc_pipeline.simulator.crm.zendesk.refusals import InvalidRecordError

_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

ADMIN_EMAIL = "pipeline@example.com"


@dataclass(slots=True)
class User:
    """One user. ``other_emails`` are identities besides the primary one."""

    id: int
    name: str
    role: str
    email: str | None = None
    phone: str | None = None
    external_id: str | None = None
    other_emails: list[str] = field(default_factory=list)
    indexed_at: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As the API shows it; what is not there is left out."""
        shown: dict[str, Any] = {"id": self.id, "name": self.name, "role": self.role, "active": True}
        for name in ("email", "phone", "external_id"):
            if getattr(self, name) is not None:
                shown[name] = getattr(self, name)
        return shown


class Users:
    """All users of the account. What came by the API is found by search only after a while."""

    def __init__(
        self, *, next_id: Callable[[], int], monotonic: Callable[[], float], search_delay: float, validate_phones: bool
    ) -> None:
        self._next_id, self._monotonic = next_id, monotonic
        self._search_delay, self._validate_phones = search_delay, validate_phones
        self.by_id: dict[int, User] = {}
        self.me = self.add("Pipeline", "admin", email=ADMIN_EMAIL)

    def add(self, name: str, role: str, *, email: str | None = None, phone: str | None = None) -> User:
        """Somebody who has been there for long, in whatever spelling people type."""
        user = User(self._next_id(), name, role, email, phone, indexed_at=float("-inf"))
        self.by_id[user.id] = user
        return user

    def create_or_update(self, fields: dict[str, Any]) -> tuple[User, bool]:
        """Match by external id or e-mail; whether it is new."""
        email, external_id = fields.get("email"), fields.get("external_id")
        found = self._match(email, external_id)
        self._check(fields, is_new=found is None)
        user = found or User(self._next_id(), "", "end-user", indexed_at=self._monotonic() + self._search_delay)
        for name in ("name", "email", "phone", "external_id", "role"):
            if fields.get(name) is not None:
                setattr(user, name, fields[name])
        self.by_id[user.id] = user
        return user, found is None

    def searchable(self) -> list[User]:
        """Those whom the index knows by now."""
        now = self._monotonic()
        return [user for user in self.by_id.values() if user.indexed_at <= now]

    def _match(self, email: str | None, external_id: str | None) -> User | None:
        for user in self.by_id.values():
            if external_id is not None and user.external_id == external_id:
                return user
        for user in self.by_id.values():
            if email and email.lower() in {each.lower() for each in (user.email or "", *user.other_emails)}:
                return user
        return None

    def _check(self, fields: dict[str, Any], *, is_new: bool) -> None:
        if is_new and not str(fields.get("name") or "").strip():
            raise InvalidRecordError("name", "is too short (minimum one character)", "ValueTooShort")
        email, phone = fields.get("email"), fields.get("phone")
        if email is not None and not _EMAIL.fullmatch(email):
            raise InvalidRecordError("email", f"{email} is not properly formatted", "InvalidFormat")
        if phone is not None and self._validate_phones and not _E164.fullmatch(phone):
            raise InvalidRecordError("phone", "Phone number is not a valid E.164 number", "InvalidFormat")
