"""Settings of the compliance archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

if TYPE_CHECKING:
    from zcc_pipeline.archive.opening import ArchiveAccess
    from zcc_pipeline.archive.storage.s3 import S3Access
    from zcc_pipeline.archive.witnesses import SmtpAccess


class ArchiveSettings(BaseSettings):
    """Where the archive lies, who signs for it, and who acts on it."""

    archive_url: str | None = Field(
        None,
        description="Where the compliance archive lies, a folder or a bucket; default is a folder under ZCC_HOME",
        examples=["s3://bucket/zcc-archive"],
    )
    archive_lock_mode: Literal["none", "governance", "compliance"] | None = Field(
        None,
        description="Object Lock in the archive's bucket; not set: governance where the bucket has it. In compliance "
        "mode nobody can delete before the date, not even you",
        examples=["compliance"],
    )
    archive_lock_days: int = Field(
        365,
        ge=1,
        le=36_525,
        description="Days for which the bucket keeps what no retention class has given a last day",
        examples=["2557"],
    )
    archive_signing_key: SecretStr | None = Field(
        None,
        description="Ed25519 key (PEM) that signs the archive's ledger; made in archive-keys under ZCC_HOME if not set",
        examples=["(content of the key file; simpler as ZCC_ARCHIVE_SIGNING_KEY_FILE)"],
    )
    archive_witness_url: str | None = Field(
        None,
        description="Folders, buckets and mailboxes (mailto:) that get a copy of signed checkpoints, separated by "
        "commas; out of reach of the archive's administrators, so that a cut ledger shows",
        examples=["/mnt/elsewhere/zcc-checkpoints,mailto:audit@example.com"],
    )
    archive_smtp_host: str | None = Field(
        None, description="Mail server that takes checkpoints for mailboxes", examples=["smtp.example.com"]
    )
    archive_smtp_port: int = Field(
        587, ge=1, le=65_535, description="Its port; with TLS from the first byte mostly 465", examples=["465"]
    )
    archive_smtp_tls: Literal["starttls", "tls", "off"] = Field(
        "starttls",
        description="How the connection is encrypted; off only for a relay on this machine, without a password",
        examples=["tls"],
    )
    archive_smtp_from: str | None = Field(
        None, pattern=r"^[^@\s]+@[^@\s]+$", description="Whom those messages come from", examples=["zcc@example.com"]
    )
    archive_smtp_username: str | None = Field(
        None, description="Account at the mail server, where it asks for one", examples=["zcc"]
    )
    archive_smtp_password: SecretStr | None = Field(
        None, description="Password of that account", examples=["(the password)"]
    )
    archive_smtp_ca: Path | None = Field(
        None,
        description="PEM file of who may vouch for the mail server, where the system does not know",
        examples=["/etc/zcc/smtp-ca.pem"],
    )
    archive_second_copy_url: str | None = Field(
        None,
        description="Folder or bucket that each export brings up to date with all of the archive; on other hardware",
        examples=["/mnt/elsewhere/archive"],
    )
    archive_timestamp_url: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Time stamp authority (RFC 3161) that stamps the newest checkpoint after each export; optional",
        examples=["https://tsa.example.com/tsr"],
    )
    archive_timestamp_ca: Path | None = Field(
        None,
        description="PEM file with the certificates of who may sign time stamps; without it nobody looks who did",
        examples=["/etc/zcc/tsa-ca.pem"],
    )
    archive_actor: str = Field(
        "zcc-pipeline",
        pattern=r"^[A-Za-z0-9._@-]{1,100}$",
        description="Who acts on the archive, as its ledger says it: a role or a service account, for ever readable",
        examples=["svc-archive"],
    )
    archive_retention: Path | None = Field(
        None,
        description="File that says how long engagements are kept, and why; without it nothing archived ever expires",
        examples=["/etc/zcc/retention.yml"],
    )

    @field_validator("archive_retention", "archive_timestamp_ca", "archive_smtp_ca")
    @classmethod
    def _absolute_file(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path else path


def archive_access(
    settings: ArchiveSettings, *, home: Path, account: str | None, s3: S3Access | None = None
) -> ArchiveAccess:
    """The same as plain values."""
    from zcc_pipeline.archive.opening import ArchiveAccess
    from zcc_pipeline.archive.storage.s3 import LockMode

    key = settings.archive_signing_key
    return ArchiveAccess(
        url=settings.archive_url or str(home / "archive"),
        account=account,
        keys_folder=home / "archive-keys",
        signing_key=key.get_secret_value() if key else None,
        witness=settings.archive_witness_url,
        smtp=_smtp(settings),
        actor=settings.archive_actor,
        retention=settings.archive_retention,
        s3=s3,
        scratch=home / "scratch",
        lock_mode=None if settings.archive_lock_mode is None else LockMode(settings.archive_lock_mode),
        lock_days=settings.archive_lock_days,
        second_copy=settings.archive_second_copy_url,
        timestamp_url=settings.archive_timestamp_url,
        timestamp_ca=settings.archive_timestamp_ca,
    )


def _smtp(settings: ArchiveSettings) -> SmtpAccess | None:
    """None where no mail is sent; ``ConfigurationError`` for a password that would go in the clear."""
    from zcc_pipeline.archive.witnesses import SmtpAccess
    from zcc_pipeline.domain.errors import ConfigurationError

    if not settings.archive_smtp_host or not settings.archive_smtp_from:
        return None
    password = settings.archive_smtp_password
    if password is not None and settings.archive_smtp_tls == "off":
        raise ConfigurationError("ZCC_ARCHIVE_SMTP_TLS", "a password is never sent in the clear", example="starttls")
    return SmtpAccess(
        host=settings.archive_smtp_host,
        sender=settings.archive_smtp_from,
        port=settings.archive_smtp_port,
        tls=settings.archive_smtp_tls,
        username=settings.archive_smtp_username,
        password=password.get_secret_value() if password else None,
        ca=settings.archive_smtp_ca,
    )
