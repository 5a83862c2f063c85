"""Time stamps of a real authority: what is kept, what is refused, what is found, and that none is ever needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zcc_pipeline.archive.ledger import Action, Entry
from zcc_pipeline.archive.opening import Archive, ArchiveAccess
from zcc_pipeline.archive.stamps import (
    Authority,
    BadStamp,
    Roots,
    StampRefused,
    check_stamp,
    check_stamps,
    read_roots,
    stamp_name,
    stamp_newest,
)
from zcc_pipeline.archive.stamps.der import with_sorted_certificates
from zcc_pipeline.cli.main import app
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline_tests.integration.archive.small_home import make_home
from zcc_pipeline_tests.integration.archive.time_stamp_authority import (
    TimeStampAuthority,
    make_authority,
    openssl,
    running,
)
from zcc_pipeline_tests.integration.archive.verified_archive import flip

pytestmark = pytest.mark.integration
ENTRY = Entry(Action.VERIFY, "svc", "run-1")
NOTE = b"zcc-pipeline/acct\n1\nroot\n\nsignature\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeStampAuthority]:
    with running(make_authority(tmp_path_factory.mktemp("authority") / "tsa")) as authority:
        yield authority


@pytest.fixture
def tsa(served: TimeStampAuthority) -> TimeStampAuthority:
    served.answer = None
    served.queries.clear()
    return served


@pytest.fixture(scope="module")
def roots(served: TimeStampAuthority) -> Roots:
    return read_roots(served.ca)


def opened(top: Path, tsa: TimeStampAuthority | None = None, *, ca: bool = True) -> Archive:
    access = ArchiveAccess(
        str(top / "archive"),
        "acct",
        top / "keys",
        timestamp_url=tsa.url if tsa else None,
        timestamp_ca=tsa.ca if tsa and ca else None,
    )
    return Archive(access, clock=SystemClock())


def refusal(tsa: TimeStampAuthority, roots: Roots | None) -> str:
    with pytest.raises(StampRefused) as refused:
        Authority(tsa.url, roots).stamp(NOTE)
    return str(refused.value)


def test_a_stamp_is_verified_by_us_and_by_openssl(tsa: TimeStampAuthority, roots: Roots, tmp_path: Path) -> None:
    reply = Authority(tsa.url, roots).stamp(NOTE)
    (tmp_path / "note").write_bytes(NOTE)
    (tmp_path / "note.tsr").write_bytes(reply)
    assert "OK" in openssl(
        "ts", "-verify", "-data", "note", "-in", "note.tsr", "-CAfile", str(tsa.ca), "-untrusted",
        str(tsa.folder / "chain.pem"), at=tmp_path,
    )  # fmt: skip
    assert check_stamp(reply, NOTE, roots).tzinfo is not None


def test_a_reply_whose_certificates_are_in_no_order_is_taken_as_it_is(tsa: TimeStampAuthority, roots: Roots) -> None:
    """OpenSSL writes them in the order of its configuration, as authorities do; DER would have them sorted."""
    orders = [("between.pem", "ca.pem"), ("ca.pem", "between.pem")]
    replies = []
    for names in orders:
        (tsa.folder / "chain.pem").write_text("".join((tsa.folder / name).read_text() for name in names))
        replies.append(Authority(tsa.url, roots).stamp(NOTE))
    assert any(with_sorted_certificates(reply) != reply for reply in replies)
    assert all(len(with_sorted_certificates(reply)) == len(reply) for reply in replies)


def test_an_answer_to_another_request_is_refused(tsa: TimeStampAuthority, roots: Roots) -> None:
    kept = Authority(tsa.url, roots).stamp(NOTE)
    tsa.answer = lambda _query: (200, "application/timestamp-reply", kept)
    assert "its nonce is not the one that was sent" in refusal(tsa, roots)
    assert "its nonce is not the one that was sent" in refusal(tsa, None)


def test_a_stamp_of_another_text_is_refused(tsa: TimeStampAuthority, roots: Roots) -> None:
    other = Authority(tsa.url, roots).stamp(NOTE + b"other")
    tsa.answer = lambda _query: (200, "application/timestamp-reply", other)
    assert refusal(tsa, roots) == "the reply stamps another text"
    assert refusal(tsa, None) == "the reply stamps another text"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, "text/html; charset=utf-8", b"<html>Please log in</html>"), "answers with text/html"),
        ((200, "application/timestamp-reply", b"<html>Please log in</html>"), "no time stamp reply that can be read"),
        ((200, "application/timestamp-reply", b""), "no time stamp reply that can be read"),
        ((503, "text/plain", b"busy"), "answers with status 503"),
        ((302, "text/plain", b""), "answers with status 302"),
        ((200, "application/timestamp-reply", bytes(300_000)), "does not end"),
        ((200, "application/timestamp-reply", bytes.fromhex("30053003020102")), "was not granted (status 2)"),
    ],
)
def test_what_is_no_stamp_is_refused_with_the_reason(
    tsa: TimeStampAuthority, roots: Roots, answer: tuple[int, str, bytes], said: str
) -> None:
    tsa.answer = lambda _query: answer
    assert said in refusal(tsa, roots)


def test_a_stamp_by_somebody_else_is_refused(tsa: TimeStampAuthority, tmp_path: Path) -> None:
    stranger = make_authority(tmp_path / "stranger")
    assert "is not signed by an authority of ZCC_ARCHIVE_TIMESTAMP_CA" in refusal(tsa, read_roots(stranger.ca))


def test_any_flipped_byte_of_a_kept_stamp_is_found_or_changes_nothing_that_counts(
    tsa: TimeStampAuthority, roots: Roots
) -> None:
    reply = Authority(tsa.url, roots).stamp(NOTE)
    found = 0
    for at in range(0, len(reply), 7):
        flipped = reply[:at] + bytes([reply[at] ^ 1]) + reply[at + 1 :]
        try:
            moment = check_stamp(flipped, NOTE, roots)
        except BadStamp:
            found += 1
        else:  # a certificate that was not needed, or an attribute that nothing rests on
            assert moment == check_stamp(reply, NOTE, roots)
    assert found > len(reply) // 7 // 3


def test_the_newest_checkpoint_gets_one_stamp_and_a_later_one_its_own(tsa: TimeStampAuthority, tmp_path: Path) -> None:
    archive = opened(tmp_path, tsa)
    assert archive.stamp() is None
    assert opened(tmp_path).stamp() is None
    for size in (1, 2):
        archive.ledger.append([ENTRY])
        first = archive.stamp()
        again = archive.stamp()
        assert first is not None
        assert again is not None
        assert (first.size, first.is_new, again.is_new) == (size, True, False)
    assert len(tsa.queries) == 2
    assert list(check_stamps(archive.shelf, archive.roots)) == [(stamp_name(1), ""), (stamp_name(2), "")]


def test_an_authority_that_is_down_leaves_the_checkpoint_for_later(tsa: TimeStampAuthority, tmp_path: Path) -> None:
    archive = opened(tmp_path, tsa)
    archive.ledger.append([ENTRY])
    down = Authority("http://127.0.0.1:9/tsa", archive.roots)
    stamped = stamp_newest(archive.shelf, archive.ledger.latest(), down)
    assert stamped is not None
    assert "cannot be asked (ConnectError)" in stamped.why_not
    assert archive.shelf.read(stamp_name(1)) is None
    later = archive.stamp()
    assert later is not None
    assert later.is_new


def test_stamps_that_were_changed_exchanged_or_left_behind_are_named(tsa: TimeStampAuthority, tmp_path: Path) -> None:
    archive = opened(tmp_path, tsa)
    for _ in range(3):
        archive.ledger.append([ENTRY])
        archive.stamp()
    second = archive.shelf.read(stamp_name(2)) or b""
    archive.shelf.write(stamp_name(1), second)
    archive.shelf.write(stamp_name(2), second[:-1] + bytes([second[-1] ^ 1]))
    archive.shelf.write(stamp_name(9), second)
    for each in (archive.roots, None):
        problems = dict(check_stamps(archive.shelf, each))
        assert problems[stamp_name(1)] == "stamps another text"
        assert problems[stamp_name(3)] == ""
        assert problems[stamp_name(9)] == "belongs to no checkpoint"
    assert "is not signed by an authority" in dict(check_stamps(archive.shelf, archive.roots))[stamp_name(2)]


def test_a_file_without_certificates_is_a_sentence_that_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "not-there.pem"):
        with pytest.raises(ConfigurationError, match="ZCC_ARCHIVE_TIMESTAMP_CA"):
            read_roots(tmp_path / name)


def test_an_export_stamps_a_verification_checks_and_an_authority_that_is_down_stops_neither(
    tsa: TimeStampAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path, monkeypatch)
    monkeypatch.setenv("ZCC_ARCHIVE_TIMESTAMP_URL", "http://127.0.0.1:9/tsa")
    monkeypatch.setenv("ZCC_ARCHIVE_TIMESTAMP_CA", str(tsa.ca))
    run = CliRunner()
    told = run.invoke(app, ["archive", "export"], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    assert "has no time stamp: the authority cannot be asked (ConnectError)" in told.stdout.replace("\n", " ")
    monkeypatch.setenv("ZCC_ARCHIVE_TIMESTAMP_URL", tsa.url)
    told = run.invoke(app, ["archive", "export", "--json"], catch_exceptions=False)
    stamp = json.loads(told.stdout)["time_stamp"]
    assert (stamp["is_new"], stamp["why_not"]) == (True, "")
    clean = json.loads(run.invoke(app, ["archive", "verify", "--json"], catch_exceptions=False).stdout)
    assert (clean["result"], clean["counts"]["stamps"]) == ("clean", 1)
    path = home / "archive" / "ledger" / stamp_name(stamp["size"])
    flip(path, at=0.99)
    found = run.invoke(app, ["archive", "verify", "--json"], catch_exceptions=False)
    assert found.exit_code == 1
    assert [each["where"] for each in json.loads(found.stdout)["first_findings"]] == [stamp_name(stamp["size"])]
