"""The demo's archive: a copy of it with one byte turned over, which verification finds."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from zcc_pipeline.cli.screen import bytes_text, paragraph, path_text, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zcc_pipeline.archive.verification import Counts, Finding
    from zcc_pipeline.pipeline.runtime import Runtime

LIKELY = ".wav"
"""A recording makes the better story; any file will do."""


@dataclass(frozen=True, slots=True)
class Proved:
    """What verifying the copy found."""

    archive: Path
    turned_over: str
    """File of the copy in which one byte is another."""
    counts: Counts
    findings: Sequence[Finding]

    @property
    def is_good(self) -> bool:
        """Whether that file was found, and nothing else."""
        return len(self.findings) == 1 and self.turned_over.endswith(f"/{self.findings[0].path}")


def prove_archive(runtime: Runtime) -> Proved | None:
    """Verify a copy of the archive in which one byte of one file is another; None where nothing is archived.

    All other files of the copy are the archive's own (hard links), so they are verified with it. The ledger is not
    told.
    """
    from zcc_pipeline.archive.opening import Archive
    from zcc_pipeline.pipeline.archive_verification import VerifyOptions, verify_archive

    archive = runtime.archive
    top = Path(archive.access.url)
    if not archive.place.is_there():
        return None
    with tempfile.TemporaryDirectory(dir=runtime.config.home, prefix="altered-archive-") as scratch:
        copy = Path(scratch) / "archive"
        shutil.copytree(top, copy, copy_function=os.link)
        turned_over = _turn_one_byte_over(copy)
        outcome = verify_archive(
            Archive(replace(archive.access, url=str(copy), witness=None, second_copy=None), clock=runtime.clock),
            home=Path(scratch),
            clock=runtime.clock,
            run_id=runtime.new_id(),
            options=VerifyOptions(trusted=(str(archive.signer.verifier),)),
            progress=runtime.progress,
        )
    return Proved(top, turned_over, outcome.summary.counts, outcome.first_findings)


def _turn_one_byte_over(copy: Path) -> str:
    """The same file each time, for an archive that is the same."""
    files = sorted(path for path in (copy / "objects").rglob("content/**/*") if path.is_file())
    chosen = random.Random(1).choice([path for path in files if path.suffix == LIKELY] or files)  # noqa: S311
    content = bytearray(chosen.read_bytes())
    content[len(content) // 2] ^= 1
    chosen.unlink()  # it is the archive's own file: another takes its name in the copy
    chosen.write_bytes(content)
    return chosen.relative_to(copy).as_posix()


def show_proved(proved: Proved | None) -> None:
    """On a terminal."""
    if proved is None:
        say("Nothing was archived.")
        return
    counts = proved.counts
    paragraph(
        f"{counts.objects:,} engagements, each an object that needs no software to be read, and a signed ledger of "
        f"{counts.entries:,} entries, in {path_text(proved.archive)}. One byte of one file was turned over in a copy, "
        f"and the copy verified ({bytes_text(counts.bytes_read)} read). Found:"
    )
    for finding in proved.findings:
        paragraph(f"- {finding}", indent="  ")
    say("The rest is as it was archived." if proved.is_good else "That is not what was altered.")


def proved_document(proved: Proved | None) -> dict[str, object] | None:
    """For scripts."""
    if proved is None:
        return None
    return {
        "is_good": proved.is_good,
        "turned_over": proved.turned_over,
        "objects": proved.counts.objects,
        "entries": proved.counts.entries,
        "findings": [str(finding) for finding in proved.findings],
    }
