"""Those who get a copy of signed checkpoints: folders, buckets, mailboxes.

A folder or a bucket gets every checkpoint. A mailbox gets the newest one at the end of what a command does, once: an
export of many objects signs hundreds, and each of them is provable from a later one.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from zcc_pipeline.archive.ledger import Checkpoint
from zcc_pipeline.domain.errors import ConfigurationError

SETTING = "ZCC_ARCHIVE_WITNESS_URL"
_MAILTO = "mailto:"
_SENT = "mailed"
_TIMEOUT_SECONDS = 20.0

SmtpTls = Literal["starttls", "tls", "off"]


@dataclass(frozen=True, slots=True)
class SmtpAccess:
    """How mail is sent."""

    host: str
    sender: str
    port: int = 587
    tls: SmtpTls = "starttls"
    """``tls`` from the first byte (usually port 465); ``off`` only for a relay on this machine."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    """PEM file of who may vouch for the server; None: whom the system trusts."""


def split_witnesses(setting: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Addresses of places, and of mailboxes; ``ConfigurationError`` for a mailbox that is none."""
    urls = [each.strip() for each in (setting or "").split(",") if each.strip()]
    mailboxes = tuple(unquote(urlsplit(each).path) for each in urls if each.startswith(_MAILTO))
    for mailbox in mailboxes:
        if mailbox.count("@") != 1 or any(each.isspace() for each in mailbox):
            raise ConfigurationError(
                SETTING,
                "a mailbox is written mailto:name@host",
                purpose="gets a copy of each signed checkpoint",
                example="mailto:audit@example.com",
            )
    return tuple(each for each in urls if not each.startswith(_MAILTO)), mailboxes


def letter(checkpoint: Checkpoint, *, sender: str, mailbox: str, now: datetime) -> EmailMessage:
    """What a mailbox gets: words for people, and the note as it was signed. The same checkpoint, the same id."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = sender, mailbox
    message["Subject"] = f"Archive checkpoint: {checkpoint.size} entries"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<checkpoint-{checkpoint.size}-{checkpoint.root.hex()[:32]}@zcc-pipeline>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        f"The ledger of {checkpoint.origin} has {checkpoint.size} entries.\n"
        f"Root hash: {checkpoint.root.hex()}\n\n"
        "Keep this message where those who administer the archive cannot change it. Saved as a file (.eml) in a\n"
        "folder, it is held against the archive by: zcc archive verify --checkpoints FOLDER\n"
    )
    message.add_attachment(
        checkpoint.note, maintype="application", subtype="octet-stream", filename=f"{checkpoint.size:012d}.note"
    )
    return message


def notes_of_letter(data: bytes) -> Iterator[bytes]:
    """The notes in a message that was saved to a file."""
    for part in message_from_bytes(data, policy=default).walk():
        if (part.get_filename() or "").endswith(".note"):
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                yield payload


def send_letters(
    access: SmtpAccess | None, mailboxes: tuple[str, ...], checkpoint: Checkpoint, *, folder: Path, now: datetime
) -> tuple[str, ...]:
    """Send to each mailbox that has not got this checkpoint; kinds of error of those that could not be sent to.

    ``folder`` remembers what was sent, one small file a mailbox.
    """
    failed = []
    for number, mailbox in enumerate(mailboxes):
        mark = folder / f"{_SENT}-{number}"
        said = f"{mailbox} {checkpoint.size} {checkpoint.root.hex()}\n"
        if mark.is_file() and mark.read_text(encoding="utf-8") == said:
            continue
        try:
            with connected(access) as connection:
                connection.send_message(
                    letter(checkpoint, sender=require_smtp(access).sender, mailbox=mailbox, now=now)
                )
        except (OSError, smtplib.SMTPException) as error:
            failed.append(type(error).__name__)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            mark.write_text(said, encoding="utf-8")
    return tuple(failed)


@contextmanager
def connected(access: SmtpAccess | None) -> Iterator[smtplib.SMTP]:
    """A connection over which mail may go: encrypted and logged in, as the settings say."""
    found = require_smtp(access)
    context = ssl.create_default_context(cafile=str(found.ca) if found.ca else None)
    connection: smtplib.SMTP
    if found.tls == "tls":
        connection = smtplib.SMTP_SSL(found.host, found.port, timeout=_TIMEOUT_SECONDS, context=context)
    else:
        connection = smtplib.SMTP(found.host, found.port, timeout=_TIMEOUT_SECONDS)
    with connection:
        if found.tls == "starttls":
            connection.starttls(context=context)
        if found.username is not None:
            connection.login(found.username, found.password or "")
        yield connection


def require_smtp(access: SmtpAccess | None) -> SmtpAccess:
    """``ConfigurationError`` where nothing says how mail is sent."""
    if access is None:
        raise ConfigurationError(
            "ZCC_ARCHIVE_SMTP_HOST, ZCC_ARCHIVE_SMTP_FROM",
            "both are needed to send checkpoints to a mailbox",
            purpose=f"{SETTING} names a mailbox",
            example="smtp.example.com",
        )
    return access
