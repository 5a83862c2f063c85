"""Verify the archive, leave a report, and let the ledger say that it was done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from zcc_pipeline.archive.ledger import Action, Checkpoint, Entry, Ledger, Verifier
from zcc_pipeline.archive.opening import Archive, folder_of
from zcc_pipeline.archive.report import Summary, Written, write_report
from zcc_pipeline.archive.storage import FolderPlace, Place
from zcc_pipeline.archive.verification import Finding, Notebook, Pace, Subject, Verification
from zcc_pipeline.archive.witnesses import SETTING as WITNESS
from zcc_pipeline.archive.witnesses import notes_of_letter, split_witnesses
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError, PermanentError
from zcc_pipeline.domain.ports import Progress, Silence

NOTEBOOK = "archive_verification.sqlite"
REPORTS = "archive_reports"
FRESH = timedelta(days=8)
"""A weekly verification may be a day late before it counts as missing."""
MAY_BE_OPEN = timedelta(days=35)
"""For so long after a day something of it may still be awaited, or come late and open it again."""
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """How to verify. Everything may be left as it is."""

    reports: Path | None = None
    """Where the report goes; None for the folder under home."""
    trusted: tuple[str, ...] = ()
    """Public keys as text. Where given, nothing else is trusted, and nothing is added to the ledger."""
    checkpoints: tuple[Path, ...] = ()
    """Folders with checkpoints that were kept elsewhere."""
    second_copy: Path | None = None
    resume: bool = False
    bytes_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class VerificationOutcome:
    """What came of it; ``first_findings`` are a few, all of them are in the report."""

    summary: Summary
    report: Written
    first_findings: tuple[Finding, ...] = ()
    entry: int | None = None
    """Number of the ledger's entry about it; None where none was made, as ``not_logged`` says."""
    not_logged: str = ""


@dataclass(frozen=True, slots=True)
class LastVerification:
    """What the ledger says of the newest one."""

    finished_at: datetime | None = None
    findings: int = 0
    objects: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def is_fresh(self, now: datetime) -> bool:
        """Whether it is recent enough to rely on."""
        return self.finished_at is not None and now - self.finished_at <= FRESH


def verify_archive(
    archive: Archive,
    *,
    home: Path,
    clock: Clock,
    run_id: str,
    options: VerifyOptions | None = None,
    progress: Progress | None = None,
) -> VerificationOutcome:
    """Every byte of it. Raises ``ConfigurationError`` where there is no archive."""
    options = options or VerifyOptions()
    if not archive.place.is_there():
        raise ConfigurationError(
            "ZCC_ARCHIVE_URL",
            f"there is no archive in {archive.access.url}",
            purpose="where the compliance archive lies",
        )
    ledger = _ledger(archive, options, clock)
    subject = Subject(
        archive.place,
        ledger,
        archive.shelf,
        tuple(_checkpoints(archive, options)),
        _second_copy(archive, options),
        archive.roots,
    )
    pace = Pace(
        clock, bytes_per_second=options.bytes_per_second, wait=lambda seconds: asyncio.run(clock.sleep(seconds))
    )
    with Notebook(home / NOTEBOOK, resume=options.resume) as notebook:
        started_at = _started_at(notebook, clock)
        verification = Verification(
            subject,
            notebook,
            pace,
            progress=progress or Silence(),
            settled_before=(clock.now() - MAY_BE_OPEN).date(),
            now=clock.now(),
        )
        for _ in verification.run():
            pass
        summary = Summary(
            started_at=started_at,
            finished_at=clock.now(),
            counts=verification.counts,
            checkpoint=_latest(ledger),
            checkpoints_from_elsewhere=len(subject.elsewhere),
            has_second_copy=subject.second_copy is not None,
        )
        report = write_report(options.reports or home / REPORTS, summary, notebook)
        first = tuple(islice(notebook.findings(), _SHOWN))
        notebook.forget()
    entry, why_not = _log(archive, options, summary, report, run_id)
    return VerificationOutcome(summary, report, first, entry, why_not)


def last_verification(archive: Archive) -> LastVerification:
    """As the ledger tells; an archive without one was never verified."""
    found = LastVerification()
    for logged in archive.ledger.entries() if archive.place.is_there() else ():
        if logged.entry.action == Action.VERIFY:
            counts = dict(logged.entry.counts or {})
            found = LastVerification(logged.time, counts.get("findings", 0), counts.get("objects", 0), counts)
    return found


def _ledger(archive: Archive, options: VerifyOptions, clock: Clock) -> Ledger:
    if not options.trusted:
        return archive.ledger
    try:
        keys = [Verifier.parse(text) for text in options.trusted]
    except PermanentError as error:
        raise ConfigurationError("--trust", str(error), example="name+01234567+base64…") from None
    return Ledger(archive.shelf, origin="", trusted=keys, clock=clock)


def _checkpoints(archive: Archive, options: VerifyOptions) -> Iterator[bytes]:
    """Those in the folders named, as notes or in messages that were saved there, and those that witnesses have."""
    folders = list(options.checkpoints)
    for folder in folders:
        if not folder.is_dir():
            raise ConfigurationError("--checkpoints", f"{folder} is no folder")
    yield from archive.witnessed()
    places = split_witnesses(archive.access.witness)[0]
    folders += [folder_of(WITNESS, each, "copies of checkpoints") for each in places if not each.startswith("s3://")]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and (path.suffix == ".note" or path.name == "checkpoint"):
                yield path.read_bytes()
            elif path.is_file() and path.suffix == ".eml":
                yield from notes_of_letter(path.read_bytes())


def _second_copy(archive: Archive, options: VerifyOptions) -> Place | None:
    """The one that was named, else the one that exports keep."""
    if options.second_copy is None:
        return archive.copy_place
    if not options.second_copy.is_dir():
        raise ConfigurationError("--second-copy", f"{options.second_copy} is no folder")
    return FolderPlace(options.second_copy)


def _started_at(notebook: Notebook, clock: Clock) -> datetime:
    if not notebook.mark("started_at"):
        notebook.set_mark("started_at", clock.now().isoformat())
        notebook.save()
    return datetime.fromisoformat(notebook.mark("started_at"))


def _latest(ledger: Ledger) -> Checkpoint | None:
    try:
        return ledger.latest()
    except PermanentError:  # told of among the findings
        return None


def _log(
    archive: Archive, options: VerifyOptions, summary: Summary, report: Written, run_id: str
) -> tuple[int | None, str]:
    """A ledger that is damaged takes no entry: that it is, is in the report."""
    if options.trusted:
        return None, "only verified with the keys given"
    entry = Entry(
        Action.VERIFY,
        archive.actor,
        run_id,
        reason="clean" if summary.is_clean else "findings",
        manifest_sha512=report.sha512,
        counts=asdict(summary.counts),
    )
    try:
        appended = archive.ledger.append([entry])
    except PermanentError as error:
        return None, str(error)
    archive.vouch()
    return appended.logged[0].seq, ""
