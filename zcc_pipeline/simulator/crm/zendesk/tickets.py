"""Tickets and their comments: no unique key, comments that cannot be taken back, closed ones that refuse updates."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from typing import Any

import msgspec

from zcc_pipeline.simulator.crm.base import Faults
from zcc_pipeline.simulator.crm.zendesk.people import Users
from zcc_pipeline.simulator.crm.zendesk.refusals import InvalidRecordError, missing
from zcc_pipeline.simulator.crm.zendesk.uploads import Attachment, Uploads

LONGEST_COMMENT = 65_535
LONGEST_SUBJECT = 255
_STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
_PLAIN = ("subject", "external_id", "status", "priority", "type", "group_id", "brand_id", "recipient", "ticket_form_id")
_TIMES = ("created_at", "updated_at", "solved_at")
UPDATES_PER_TICKET = 30
UPDATES_WINDOW_SECONDS = 600.0
_MARKUP = re.compile(r"<[^>]+>")
VOICE_VIA = {44: "voicemail", 45: "phone_call_inbound", 46: "phone_call_outbound"}


@dataclass(slots=True)
class Comment:
    """One comment of one ticket."""

    id: int
    author_id: int
    body: str
    public: bool
    created_at: str
    html_body: str | None = None
    attachments: list[Attachment] = field(default_factory=list)
    voice: dict[str, Any] | None = None

    def as_json(self, base_url: str) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "type": "VoiceComment" if self.voice else "Comment",
            "author_id": self.author_id,
            "body": self.body,
            "html_body": self.html_body or f'<div class="zd-comment">{self.body}</div>',
            "plain_body": self.body,
            "public": self.public,
            "attachments": [each.as_json(base_url) for each in self.attachments],
            "created_at": self.created_at,
            **({"data": self.voice} if self.voice else {}),
        }


@dataclass(slots=True)
class Ticket:
    """One ticket. ``fields`` are those that travel as they are."""

    id: int
    requester_id: int
    fields: dict[str, Any]
    tags: list[str]
    custom_fields: dict[int, Any]
    comments: list[Comment]
    assignee_id: int | None
    created_at: str
    updated_at: str
    channel: str
    indexed_at: float = 0.0
    updates: deque[float] = field(default_factory=deque)

    @property
    def external_id(self) -> str | None:
        """Anything, and not unique."""
        found: str | None = self.fields.get("external_id")
        return found

    def as_json(self, base_url: str) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "url": f"{base_url}/api/v2/tickets/{self.id}.json",
            "id": self.id,
            "external_id": self.external_id,
            "subject": self.fields.get("subject"),
            "status": self.fields.get("status", "new"),
            "priority": self.fields.get("priority"),
            "description": self.comments[0].body if self.comments else "",
            "requester_id": self.requester_id,
            "submitter_id": self.requester_id,
            "assignee_id": self.assignee_id,
            "tags": list(self.tags),
            "custom_fields": [{"id": key, "value": value} for key, value in self.custom_fields.items()],
            "via": {"channel": self.channel, "source": {"rel": None}},
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


class Tickets:
    """All tickets of the account."""

    def __init__(
        self,
        *,
        users: Users,
        uploads: Uploads,
        next_id: Callable[[], int],
        clock: Callable[[], datetime],
        search_time: Callable[[], float],
        faults: Callable[[], Faults],
        count: Callable[[str], None],
        custom_field_ids: Iterable[int],
    ) -> None:
        self._users, self._uploads, self._next_id = users, uploads, next_id
        self._clock, self._faults, self._count = clock, faults, count
        self._search_time = search_time
        self._custom_field_ids = frozenset(custom_field_ids)
        self.by_id: dict[int, Ticket] = {}

    def get(self, ticket_id: object) -> Ticket:
        """One ticket; 404 without."""
        text = str(ticket_id)
        found = self.by_id.get(int(text)) if text.isascii() and text.isdigit() else None
        if found is None:
            raise missing()
        return found

    def with_external_ids(self, wanted: Iterable[str]) -> list[Ticket]:
        """All that carry one of these, oldest first."""
        asked = set(wanted)
        return [ticket for ticket in self.by_id.values() if ticket.external_id in asked]

    def create(self, row: dict[str, Any], *, imported: bool, voice: dict[str, Any] | None = None) -> Ticket:
        """Save a ticket. Only an import sets times and takes several comments."""
        self._refuse_by_fault(row)
        now = self._now()
        comments = self._opening_comments(row, imported=imported)
        self._check_fields(row)
        requester = self._person(row.get("requester_id"), "requester") or self._users.me.id
        checked = [self._check_comment(each) for each in comments]
        ticket = Ticket(
            id=self._next_id(),
            requester_id=requester,
            fields={name: row[name] for name in _PLAIN if row.get(name) is not None},
            tags=_tags(row.get("tags")),
            custom_fields={},
            comments=[],
            assignee_id=self._person(row.get("assignee_id"), "assignee"),
            created_at=self._time(row, "created_at", now) if imported else now,
            updated_at=self._time(row, "updated_at", now) if imported else now,
            channel=VOICE_VIA.get(row.get("via_id", 0), "api"),
            indexed_at=self._search_time(),
        )
        self._set_custom_fields(ticket, row)
        for each in checked:
            self._append(ticket, each, now=now, author=None if imported else requester, imported=imported)
        if voice is not None:
            self._append_voice(ticket, voice, now)
        self.by_id[ticket.id] = ticket
        self._count("created")
        return ticket

    def update(self, ticket: Ticket, row: dict[str, Any]) -> None:
        """Change a ticket and append its comment, if it has one. ``additional_tags`` add, ``tags`` replace."""
        self._refuse_by_fault({"external_id": ticket.external_id, **row})
        if ticket.fields.get("status") == "closed":
            raise InvalidRecordError("status", "closed prevents ticket update")
        self._check_fields(row)
        comment = self._check_comment(row["comment"]) if row.get("comment") else None
        requester = self._person(row.get("requester_id"), "requester")
        ticket.requester_id = requester or ticket.requester_id
        ticket.assignee_id = self._person(row.get("assignee_id"), "assignee") or ticket.assignee_id
        ticket.fields |= {name: row[name] for name in _PLAIN if row.get(name) is not None}
        if "tags" in row:
            ticket.tags = _tags(row["tags"])
        gone = set(_tags(row.get("remove_tags")))
        ticket.tags = [
            tag for tag in dict.fromkeys([*ticket.tags, *_tags(row.get("additional_tags"))]) if tag not in gone
        ]
        self._set_custom_fields(ticket, row)
        now = self._now()
        if comment is not None:
            self._append(ticket, comment, now=now, author=self._users.me.id, imported=False)
        ticket.updated_at = now
        self._count("updated")

    def _opening_comments(self, row: dict[str, Any], *, imported: bool) -> list[dict[str, Any]]:
        comments = list(row.get("comments") or []) if imported else []
        if row.get("comment"):
            comments.insert(0, row["comment"])
        elif not comments and row.get("description"):
            comments.insert(0, {"body": row["description"]})
        if not comments and "voice_comment" not in row:
            raise InvalidRecordError("description", "cannot be blank", "BlankValue")
        return comments

    def _check_fields(self, row: dict[str, Any]) -> None:
        if row.get("status") is not None and row["status"] not in _STATUSES:
            raise InvalidRecordError("status", f"{row['status']} is not a valid status")
        if len(row.get("subject") or "") > LONGEST_SUBJECT:
            raise InvalidRecordError("subject", "is too long (maximum is 255 characters)", "ValueTooLong")
        for name in _TIMES:
            if row.get(name) is not None:
                self._time(row, name, "")

    def _check_comment(self, comment: dict[str, Any]) -> dict[str, Any]:
        text = comment.get("html_body") or comment.get("body") or comment.get("value") or ""
        if not text.strip():
            raise InvalidRecordError("comment", "cannot be blank", "BlankValue")
        if len(text.encode()) > LONGEST_COMMENT:
            raise InvalidRecordError("comment", "is too long", "ValueTooLong")
        self._person(comment.get("author_id"), "author")
        self._uploads.check(comment.get("uploads") or [])
        if comment.get("created_at") is not None:
            self._time(comment, "created_at", "")
        return comment

    def _append(self, ticket: Ticket, comment: dict[str, Any], *, now: str, author: int | None, imported: bool) -> None:
        html = comment.get("html_body")
        body = comment.get("body") or comment.get("value") or _plain(html or "")
        ticket.comments.append(
            Comment(
                id=self._next_id(),
                author_id=comment.get("author_id") or author or self._users.me.id,
                body=body,
                html_body=html,
                public=comment.get("public", True),
                created_at=self._time(comment, "created_at", now) if imported else now,
                attachments=self._uploads.take(comment.get("uploads") or []),
            )
        )
        self._count("commented")

    def _append_voice(self, ticket: Ticket, voice: dict[str, Any], now: str) -> None:
        for name in ("from", "to", "started_at"):
            if not voice.get(name):
                raise InvalidRecordError("voice_comment", f"{name} is required", "BlankValue")
        body = f"Call from: {voice['from']}\nCall to: {voice['to']}"
        public = voice.get("public", True)
        ticket.comments.insert(0, Comment(self._next_id(), self._users.me.id, body, public, now, voice=dict(voice)))

    def _set_custom_fields(self, ticket: Ticket, row: dict[str, Any]) -> None:
        """A field that is not there is ignored without a word, as Zendesk does."""
        for each in row.get("custom_fields") or []:
            if each["id"] in self._custom_field_ids:
                ticket.custom_fields[each["id"]] = each.get("value")

    def _person(self, user_id: object, what: str) -> int | None:
        if user_id is None:
            return None
        if not isinstance(user_id, int) or user_id not in self._users.by_id:
            raise InvalidRecordError(what, f"{what.capitalize()} {user_id} is not a valid user")
        return user_id

    def _time(self, row: dict[str, Any], name: str, otherwise: str) -> str:
        value = row.get(name)
        if value is None:
            return otherwise
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise InvalidRecordError(name, f"{name} is not a valid date") from None
        if moment.tzinfo is None or moment > self._clock():
            raise InvalidRecordError(name, f"{name} cannot be in the future")
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _refuse_by_fault(self, row: dict[str, Any]) -> None:
        if self._faults().refuses(str(row.get("external_id") or ""), msgspec.json.encode(row).decode()):
            self._count("refused")
            raise InvalidRecordError("base", f"{row.get('subject') or 'Ticket'} breaks a rule of this account")

    def _now(self) -> str:
        return self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")


def _tags(value: str | list[str] | None) -> list[str]:
    """Blanks part tags, as everywhere in Zendesk."""
    words = value if isinstance(value, str) else " ".join(value or [])
    return list(dict.fromkeys(word.lower() for word in words.split()))


def _plain(html: str) -> str:
    return unescape(_MARKUP.sub("", html.replace("<br>", "\n").replace("</p>", "\n\n").replace("</li>", "\n"))).strip()
