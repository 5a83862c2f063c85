"""Checkpoints elsewhere: in several places at once, and in mailboxes over a real mail server with TLS and a login."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from zcc_pipeline.archive.ledger import Action, Entry
from zcc_pipeline.archive.opening import Archive, ArchiveAccess
from zcc_pipeline.archive.witnesses import SmtpAccess, connected, notes_of_letter, split_witnesses
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.settings import Settings, load_settings, open_runtime
from zcc_pipeline.settings.archive import archive_access
from zcc_pipeline_tests.integration.archive.conftest import Command
from zcc_pipeline_tests.integration.archive.time_stamp_authority import openssl
from zcc_pipeline_tests.integration.archive.verified_archive import WholeArchive
from zcc_pipeline_tests.ports import free_ports

pytestmark = pytest.mark.integration
ENTRY = Entry(Action.VERIFY, "svc", "run-1")


class MailServer:
    """Takes mail for whoever has logged in over TLS."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.certificate = folder / "server.pem"
        openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "server.key",
            "-out", "server.pem", at=folder,
        )  # fmt: skip
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, folder / "server.key")
        self.letters: list[bytes] = []
        (self.port,) = free_ports(1)
        self.controller = Controller(
            self, hostname="127.0.0.1", port=self.port, tls_context=context, require_starttls=True,
            auth_required=True, authenticator=self.login,
        )  # fmt: skip

    def login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"zcc", b"secret")
        return AuthResult(success=is_right, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.letters.append(envelope.content)
        return "250 OK"

    @property
    def access(self) -> SmtpAccess:
        return SmtpAccess(
            "localhost", "zcc@example.com", self.port, "starttls", "zcc",
            "secret", self.certificate,
        )  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    server = MailServer(tmp_path_factory.mktemp("mail") / "server")
    server.controller.start()
    yield server
    server.controller.stop()


@pytest.fixture
def mail(served: MailServer) -> MailServer:
    served.letters.clear()
    return served


def opened(top: Path, witness: str, smtp: SmtpAccess | None = None) -> Archive:
    access = ArchiveAccess(str(top / "archive"), "acct", top / "keys", witness=witness, smtp=smtp)
    return Archive(access, clock=SystemClock())


def test_several_places_each_get_every_checkpoint_and_one_that_fails_keeps_none_from_the_others(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    archive = opened(tmp_path, f"{tmp_path}/one, {tmp_path}/file ,file://{tmp_path}/two")
    for _ in range(2):
        assert len(archive.ledger.append([ENTRY]).unwitnessed) == 1
    for name in ("one", "two"):
        assert len(list((tmp_path / name).rglob("*.note"))) == 2


def test_a_mailbox_gets_the_newest_checkpoint_once_over_tls_with_its_note_byte_for_byte(
    mail: MailServer, tmp_path: Path
) -> None:
    archive = opened(tmp_path, "mailto:audit@example.com", mail.access)
    archive.ledger.append([ENTRY])
    newest = archive.ledger.append([ENTRY]).checkpoint
    assert mail.letters == []
    assert archive.mail_checkpoint() == ()
    assert archive.mail_checkpoint() == ()
    (letter,) = mail.letters
    assert list(notes_of_letter(letter)) == [newest.note]
    assert b"Subject: Archive checkpoint: 2 entries" in letter
    archive.ledger.append([ENTRY])
    assert archive.mail_checkpoint() == ()
    assert len(mail.letters) == 2


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"password": "wrong"}, "SMTPAuthenticationError"),
        ({"ca": None}, "SSLCertVerificationError"),
        ({"tls": "tls"}, "SSLError"),
        ({"tls": "off", "username": None}, "SMTPSenderRefused"),
        ({"port": 9}, "ConnectionRefusedError"),
    ],
)
def test_a_letter_that_cannot_be_sent_is_named_and_sent_the_next_time(
    mail: MailServer, tmp_path: Path, change: dict[str, object], error: str
) -> None:
    wrong = opened(tmp_path, "mailto:audit@example.com", replace(mail.access, **change))  # type: ignore[arg-type]
    wrong.ledger.append([ENTRY])
    assert wrong.mail_checkpoint() == (error,)
    assert mail.letters == []
    assert opened(tmp_path, "mailto:audit@example.com", mail.access).mail_checkpoint() == ()
    assert len(mail.letters) == 1


def test_letters_saved_to_a_folder_betray_a_ledger_that_was_cut(
    filled: WholeArchive, zcc: Command, mail: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "ZCC_ARCHIVE_WITNESS_URL": "mailto:audit@example.com",
        "ZCC_ARCHIVE_SMTP_HOST": "localhost",
        "ZCC_ARCHIVE_SMTP_PORT": str(mail.access.port),
        "ZCC_ARCHIVE_SMTP_FROM": "zcc@example.com",
        "ZCC_ARCHIVE_SMTP_USERNAME": "zcc",
        "ZCC_ARCHIVE_SMTP_PASSWORD": "secret",
        "ZCC_ARCHIVE_SMTP_CA": str(mail.certificate),
    }.items():
        monkeypatch.setenv(name, value)
    early = (filled.top / "ledger" / "checkpoint").read_bytes()
    assert zcc("archive", "verify").exit_code == 0
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "letter.eml").write_bytes(mail.letters[0])
    assert zcc("archive", "verify", "--checkpoints", str(saved)).exit_code == 0
    (filled.top / "ledger" / "checkpoint").write_bytes(early)
    for path in (filled.top / "ledger" / "checkpoints").iterdir():
        if path.read_bytes() > early:
            path.unlink()
    told = zcc("archive", "verify", "--checkpoints", str(saved))
    assert told.exit_code == 1
    assert "the ledger was cut: 1 entries that were signed are gone" in told.stdout.replace("\n", " ")


def test_settings_that_do_not_fit_are_told_with_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="mailto:name@host"):
        split_witnesses("mailto:nobody")
    with pytest.raises(ConfigurationError, match="ZCC_ARCHIVE_SMTP_HOST"):
        _ = opened(tmp_path, "mailto:audit@example.com").ledger
    settings = Settings(
        archive_smtp_host="localhost", archive_smtp_from="a@example.com", archive_smtp_password="p",
        archive_smtp_tls="off",
    )  # fmt: skip
    with pytest.raises(ConfigurationError, match="ZCC_ARCHIVE_SMTP_TLS"):
        archive_access(settings, home=tmp_path, account="a")
    assert "secret" not in repr(SmtpAccess("h", "a@b", password="secret"))
    with pytest.raises(ConfigurationError), connected(None):
        pass


def test_the_doctor_asks_each_witness_and_the_authority(
    mail: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZCC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZCC_ARCHIVE_WITNESS_URL", f"{tmp_path}/far,{tmp_path}/file/far,mailto:audit@example.com")
    monkeypatch.setenv("ZCC_ARCHIVE_SMTP_HOST", "localhost")
    monkeypatch.setenv("ZCC_ARCHIVE_SMTP_PORT", "9")
    monkeypatch.setenv("ZCC_ARCHIVE_SMTP_FROM", "zcc@example.com")
    monkeypatch.setenv("ZCC_ARCHIVE_TIMESTAMP_URL", "http://127.0.0.1:9/tsa")
    monkeypatch.setenv("ZCC_ARCHIVE_SECOND_COPY_URL", str(tmp_path / "copy"))
    from zcc_pipeline.pipeline.archive_check import examine_archive

    with open_runtime(load_settings()) as runtime:
        found = [(each.topic, str(each.verdict), each.text) for each in examine_archive(runtime)]
    assert [each[:2] for each in found] == [
        ("archive witness", "ok"),
        ("archive witness", "warning"),
        ("archive witness", "warning"),
        ("archive time stamps", "warning"),
        ("archive second copy", "warning"),
    ]
    assert "ConnectionRefusedError" in found[2][2]
    assert "cannot be asked" in found[3][2]
    assert "same device" in found[4][2]
    monkeypatch.setenv("ZCC_ARCHIVE_SMTP_PORT", str(mail.access.port))
    monkeypatch.setenv("ZCC_ARCHIVE_SMTP_CA", str(mail.certificate))
    monkeypatch.setenv("ZCC_ARCHIVE_SMTP_USERNAME", "zcc")
    monkeypatch.setenv("ZCC_ARCHIVE_SMTP_PASSWORD", "secret")
    with open_runtime(load_settings()) as runtime:
        assert [str(each.verdict) for each in examine_archive(runtime)][2] == "ok"
    assert mail.letters == []
    assert isinstance(smtplib.SMTPException(), OSError)
