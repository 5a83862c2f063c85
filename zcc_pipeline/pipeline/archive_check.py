"""Can those who vouch for the archive be reached: witnesses, the time stamp authority, the second copy?"""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

from zcc_pipeline.archive.copying import shared_disk
from zcc_pipeline.archive.opening import COPY_SETTING, Archive
from zcc_pipeline.archive.stamps import StampRefused
from zcc_pipeline.archive.witnesses import SETTING, connected, split_witnesses
from zcc_pipeline.domain.errors import ZccPipelineError
from zcc_pipeline.pipeline.doctor import Finding, Verdict
from zcc_pipeline.pipeline.runtime import Runtime

_WITNESS, _STAMPS, _COPY = "archive witness", "archive time stamps", "archive second copy"


def examine_archive(runtime: Runtime) -> Iterator[Finding]:
    """Each of them that the settings name; silence where they name none. No checkpoint is sent, no letter either."""
    try:
        archive = runtime.archive
        places, mailboxes = split_witnesses(archive.access.witness)
    except ZccPipelineError as error:
        yield Finding(_WITNESS, Verdict.PROBLEM, str(error), f"check {SETTING}")
        return
    for each in places:
        yield _place(archive, each)
    if mailboxes:
        yield _mail(archive, len(mailboxes))
    yield from _stamps(archive)
    yield from _second_copy(archive)


def _place(archive: Archive, url: str) -> Finding:
    try:
        archive.try_witness(url)
    except (OSError, ZccPipelineError) as error:
        said = str(error) if isinstance(error, ZccPipelineError) else type(error).__name__
        text = f"{url} takes no copies of checkpoints: {said}"
        return Finding(_WITNESS, Verdict.WARNING, text, f"check {SETTING} and who may write there")
    return Finding(_WITNESS, Verdict.OK, f"{url} takes copies of checkpoints")


def _mail(archive: Archive, count: int) -> Finding:
    """As far as a letter goes before it is sent."""
    try:
        with connected(archive.access.smtp) as connection:
            connection.noop()
    except (OSError, smtplib.SMTPException, ZccPipelineError) as error:
        said = str(error) if isinstance(error, ZccPipelineError) else type(error).__name__
        return Finding(_WITNESS, Verdict.WARNING, f"the mail server cannot be used: {said}", "check ZCC_ARCHIVE_SMTP_…")
    return Finding(_WITNESS, Verdict.OK, f"the mail server takes letters for {count} mailboxes")


def _stamps(archive: Archive) -> Iterator[Finding]:
    remedy = "check ZCC_ARCHIVE_TIMESTAMP_URL and ZCC_ARCHIVE_TIMESTAMP_CA; the archive goes on without"
    try:
        authority = archive.authority
        if authority is None:
            return
        authority.stamp(b"asked by zcc doctor\n")
    except (StampRefused, ZccPipelineError) as error:
        yield Finding(_STAMPS, Verdict.WARNING, str(error), remedy)
        return
    if authority.roots is None:
        text = "the authority answers; nobody looks who signed"
        yield Finding(_STAMPS, Verdict.WARNING, text, "set ZCC_ARCHIVE_TIMESTAMP_CA to its certificates")
    else:
        yield Finding(_STAMPS, Verdict.OK, "the authority answers, signed under ZCC_ARCHIVE_TIMESTAMP_CA")


def _second_copy(archive: Archive) -> Iterator[Finding]:
    try:
        place = archive.copy_place
        if place is None:
            return
        is_there, is_shared = place.is_there(), shared_disk(archive.place, place)
    except (OSError, ZccPipelineError) as error:
        yield Finding(_COPY, Verdict.WARNING, str(error), f"check {COPY_SETTING}")
        return
    if is_shared:
        text = "lies on the same device as the archive: when that breaks, both are gone"
        yield Finding(_COPY, Verdict.WARNING, text, f"set {COPY_SETTING} to other hardware")
    else:
        yield Finding(_COPY, Verdict.OK, "there" if is_there else "not there yet; the next export makes it")
