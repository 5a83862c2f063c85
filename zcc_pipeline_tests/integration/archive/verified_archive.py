"""An archive with everything in it that a verification looks at, in a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from hashlib import sha512
from pathlib import Path

from zcc_pipeline.archive.ledger import Action, Entry, FolderShelf, Ledger, signer_of
from zcc_pipeline.archive.ledger.keys import new_key
from zcc_pipeline.archive.ocfl import ObjectStore
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.storage import FolderPlace
from zcc_pipeline.archive.sums import write_sums
from zcc_pipeline.archive.verification import Finding, Notebook, Pace, Subject, Verification
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline_tests.integration.archive.write_objects import AUTHOR, object_id, snapshot


class WholeArchive:
    """Objects, ledger, manifests and an index under one folder."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.place = FolderPlace(top)
        self.clock = SystemClock()
        self.store = ObjectStore(self.place, clock=self.clock)
        self.store.prepare()
        self.shelf = FolderShelf(top / "ledger")
        self.signer = signer_of(new_key(), "archive")
        self.copies: list[bytes] = []
        self.ledger = Ledger(
            self.shelf,
            origin="example.com/archive",
            trusted=(self.signer.verifier,),
            clock=self.clock,
            signers=(self.signer,),
            witnesses=(lambda checkpoint: self.copies.append(checkpoint.note),),
        )
        self.notebook_path = top.parent / "verification.sqlite"

    def write(self, number: int, **changes: object) -> None:
        written = self.store.write(snapshot(number, **changes), message="export", author=AUTHOR)  # type: ignore[arg-type]
        action = Action.CREATE if written.version == 1 else Action.ADD_VERSION
        self.say(Entry(action, "export", "run-1", written.object_id, written.version, written.inventory_sha512))

    def say(self, *entries: Entry) -> None:
        self.ledger.append(entries)

    def close(self, day: date, dataset: str = "zoom/engagements") -> str:
        manifest = json.dumps({"day": str(day), "dataset": dataset}).encode()
        key = f"completeness/{day:%Y/%m/%d}/{dataset.replace('/', '-')}.json"
        self.place.replace(key, manifest)
        self.say(
            Entry(
                Action.WINDOW_CLOSED, "export", "run-1", day=day, dataset=dataset,
                manifest_sha512=sha512(manifest).hexdigest(),
            )
        )  # fmt: skip
        return key

    def fill(self, objects: int = 4) -> None:
        for number in range(1, objects + 1):
            self.write(number)
        self.write(1, note="edited")
        for day in (1, 2, 3):
            self.close(date(2026, 11, day))
        self.place.replace("index/engagements/date=2026-11-01/part-0.parquet", b"PAR1 an index PAR1")
        write_sums(self.place, "index")

    def folder(self, number: int = 1) -> Path:
        return self.top / object_key(object_id(number))

    def verification(self, *, second: Path | None = None, resume: bool = False, elsewhere: bool = True) -> Verification:
        archive = Subject(
            self.place,
            self.ledger,
            self.shelf,
            tuple(self.copies) if elsewhere else (),
            None if second is None else FolderPlace(second),
        )
        return Verification(archive, Notebook(self.notebook_path, resume=resume), Pace(self.clock))

    def findings(self, *, second: Path | None = None, elsewhere: bool = True) -> list[Finding]:
        verification = self.verification(second=second, elsewhere=elsewhere)
        with verification.notebook:
            return list(verification.run())

    def copy(self, to: Path, link: bool = False) -> Path:
        how: Callable[..., object] = Path.hardlink_to if link else shutil.copy2
        shutil.copytree(
            self.top, to, copy_function=(lambda source, target: Path(target).hardlink_to(source)) if link else how
        )
        return to


def flip(path: Path, at: float = 0.5) -> None:
    """Another bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[int((len(data) - 1) * at)] ^= 1
    path.write_bytes(data)
