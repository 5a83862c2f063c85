"""The demo's archive: a copy of it with one byte turned over, which ``zcc archive verify`` finds."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zcc_pipeline.cli.screen import bytes_text, paragraph, path_text, say
from zcc_pipeline.domain.errors import PermanentError

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.runtime import Runtime

_LIKELY = ".wav"
"""A recording makes the better story; any file will do."""


@dataclass(frozen=True, slots=True)
class Proved:
    """What verifying the copy found."""

    archive: Path
    turned_over: str
    """File of the copy in which one byte is another."""
    counts: Mapping[str, int]
    findings: tuple[Mapping[str, str], ...]

    @property
    def is_good(self) -> bool:
        """Whether that file was found, and nothing else."""
        return len(self.findings) == 1 and self.turned_over.endswith(f"/{self.findings[0]['path']}")

    def sentences(self) -> list[str]:
        """What was found, as the command says it."""
        return [f"{each['area']}: {each['where']} {each['path']}: {each['text']}" for each in self.findings]


class Verifying:
    """A verification under way in a process of its own."""

    def __init__(self, archive: Path, turned_over: str, process: subprocess.Popen[bytes]) -> None:
        self._archive, self._turned_over, self._process = archive, turned_over, process

    def proved(self) -> Proved:
        """Wait for its end."""
        said, complaint = self._process.communicate()
        try:
            document: dict[str, Any] = json.loads(said)
        except ValueError:
            raise PermanentError(f"the copy could not be verified: {complaint.decode().strip()}") from None
        return Proved(self._archive, self._turned_over, document["counts"], tuple(document["first_findings"]))


@contextmanager
def verifying_altered_copy(runtime: Runtime, environment: Mapping[str, str]) -> Iterator[Verifying | None]:
    """Begin to verify a copy of the archive in which one byte of one file is another; None where nothing is archived.

    All other files of the copy are the archive's own (hard links), so they are verified with it. The ledger is
    not told.
    """
    archive = Path(runtime.archive.access.url)
    if not runtime.archive.place.is_there():
        yield None
        return
    key = str(runtime.archive.signer.verifier)
    with tempfile.TemporaryDirectory(dir=runtime.config.home, prefix="altered-archive-") as scratch:
        copy = Path(scratch) / "archive"
        shutil.copytree(archive, copy, copy_function=os.link)
        turned_over = _turn_one_byte_over(copy)
        with subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
            [sys.executable, "-m", "zcc_pipeline.cli", "archive", "verify", "--json", f"--trust={key}"],
            env={**os.environ, **environment, "ZCC_HOME": scratch, "ZCC_ARCHIVE_URL": str(copy)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                yield Verifying(archive, turned_over, process)
            finally:
                process.kill()


def _turn_one_byte_over(copy: Path) -> str:
    """The same file each time, for an archive that is the same."""
    files = sorted(path for path in (copy / "objects").rglob("content/**/*") if path.is_file())
    chosen = random.Random(1).choice([path for path in files if path.suffix == _LIKELY] or files)  # noqa: S311
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
        f"{counts['objects']:,} engagements, each an object that needs no software to be read, and a signed ledger of "
        f"{counts['entries']:,} entries, in {path_text(proved.archive)}. One byte of one file was turned over in a "
        f"copy. What zcc archive verify finds there, of {bytes_text(counts['bytes_read'])}:"
    )
    for sentence in proved.sentences():
        paragraph(f"- {sentence}", indent="  ")
    say("The rest is as it was archived." if proved.is_good else "That is not what was altered.")


def proved_document(proved: Proved | None) -> dict[str, object] | None:
    """For scripts."""
    if proved is None:
        return None
    return {
        "is_good": proved.is_good,
        "turned_over": proved.turned_over,
        "objects": proved.counts["objects"],
        "entries": proved.counts["entries"],
        "findings": proved.sentences(),
    }
