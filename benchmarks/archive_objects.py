"""Write objects of four files into the archive, verify them, build the index: how many a second, and does memory grow?

    python benchmarks/archive_objects.py [--rounds 5] [--objects 300] [--megabytes 1.0] [--threads 1 8]
    python benchmarks/archive_objects.py --memory            # 100,000 objects of 4 kB; about half an hour

The archive takes turns with a bare writer, so that a busy machine hits both alike. The bare writer puts the same bytes
on disk as safely as is usual: each file hashed, written and synced, then a rename, then the folders above synced; no
inventory is made, nothing is read, locked or entered into a ledger. Nothing is deleted before the end: a disk that is
told of freed blocks (mounted with ``discard``) would be at that while the next one is timed.

Aims on 2 cores: 150 objects of 1 MB created per second on one thread and 250 on eight, 250 verified per second; memory
flat over 100,000 objects.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from hashlib import sha256, sha512
from pathlib import Path
from statistics import median
from typing import TypeVar

from zcc_pipeline.archive.contents import Piece, Snapshot, StoredPiece
from zcc_pipeline.archive.holds import Standings
from zcc_pipeline.archive.index import rebuild_index
from zcc_pipeline.archive.ledger import Action, Entry, FolderShelf, Ledger, signer_of
from zcc_pipeline.archive.ledger.keys import new_key
from zcc_pipeline.archive.ocfl import Author, Draft, ObjectStore, Written
from zcc_pipeline.archive.storage import FolderPlace
from zcc_pipeline.archive.verification import Notebook, Pace, Subject, Verification
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.parts import in_parts
from zcc_pipeline.pipeline.archiving import BATCH

DIFFERENT = 64
"""Recordings to choose from: making and hashing them is no part of what is measured."""

DAY = date(2026, 11, 1)
A_DAY = 200
"""Engagements on each."""

Item = TypeVar("Item")
AUTHOR = Author("benchmark", "https://example.com/benchmark")


def name_of(number: int) -> str:
    """Of an object."""
    return f"urn:zoom-cc:bench:engagement:{number:09d}"


def provenance(number: int) -> bytes:
    """What tells the index on which day it was."""
    day = DAY + timedelta(days=number // A_DAY)
    return b'[{"dataset":"zoom/engagements","shape":"list","day":"%s","path":"engagement.json","size_bytes":29}]' % (
        day.isoformat().encode()
    )


class Recordings:
    """Bytes that differ, with the digests that the file store would know."""

    def __init__(self, size: int) -> None:
        common = os.urandom(size)
        data = [number.to_bytes(8, "big") + common for number in range(DIFFERENT)]
        self.pieces = [
            StoredPiece(
                lambda each=each: io.BytesIO(each), len(each), sha512(each).hexdigest(), sha256=sha256(each).hexdigest()
            )
            for each in data
        ]

    def snapshot(self, number: int) -> Snapshot:
        """Four files, of which the recording is nearly all."""
        return Snapshot(
            name_of(number),
            (
                Piece("engagement.json", b'{"engagement_id":"%09d"}' % number),
                Piece("engagement.html", b"<p>%09d</p>" % number, is_volatile=True),
                Piece("provenance.json", provenance(number), is_volatile=True),
                Piece("recordings/rec-1.mp3", self.pieces[number % DIFFERENT]),
            ),
        )


def entry_of(written: Written) -> Entry:
    """What the ledger takes of an object."""
    return Entry(Action.CREATE, "benchmark", "1", written.object_id, written.version, written.inventory_sha512)


class Archive:
    """A new archive in a folder, with its ledger."""

    def __init__(self, folder: Path) -> None:
        self.clock = SystemClock()
        self.folder = folder
        self.place = FolderPlace(folder / "archive")
        self.store = ObjectStore(self.place, clock=self.clock)
        self.store.prepare()
        self.shelf = FolderShelf(folder / "archive" / "ledger")
        signer = signer_of(new_key(), "benchmark")
        self.ledger = Ledger(
            self.shelf, origin="benchmark", trusted=(signer.verifier,), clock=self.clock, signers=(signer,)
        )

    def create(self, snapshots: Iterator[Snapshot], threads: int, after_batch: Callable[[], None]) -> None:
        """As an export does it: a batch of objects, several of them together, then their entries."""

        def write(group: Sequence[Snapshot]) -> list[Entry]:
            drafts = [Draft(snapshot) for snapshot in group]
            written = self.store.write_together(drafts, message="benchmark", author=AUTHOR)
            return [entry_of(each) for each in written if isinstance(each, Written)]

        with ThreadPoolExecutor(threads) as pool:
            for batch in in_parts(snapshots, BATCH):
                groups = pool.map(write, in_parts(batch, self.store.at_once))
                entries = [entry for group in groups for entry in group]
                assert len(entries) == len(batch)
                self.ledger.append(entries)
                after_batch()

    def promise(self, objects: int) -> None:
        """Tell the ledger of each object until when it is kept."""
        for first in range(0, objects, BATCH):
            numbers = range(first, min(first + BATCH, objects))
            self.ledger.append(
                [
                    Entry(
                        Action.EXTEND, "benchmark", "2", name_of(number), retain_until=DAY, retention_class="standard"
                    )
                    for number in numbers
                ]
            )

    def verify(self, after_object: Callable[[int], None]) -> tuple[int, int]:
        """How many objects were looked at, and how many findings there are."""

        class Steps:
            def start(self, name: str, total: int | None) -> None: ...
            def finish(self, name: str) -> None: ...
            def advance(self, name: str, by: int = 1) -> None:
                if name == "objects":
                    after_object(by)

        with Notebook(self.folder / "verification.sqlite") as notebook:
            subject = Subject(self.place, self.ledger, self.shelf)
            verification = Verification(subject, notebook, Pace(self.clock), progress=Steps())
            problems = sum(1 for _ in verification.run())
        return verification.counts.objects, problems


def write_bare(top: Path, snapshot: Snapshot, number: int) -> None:
    """Ten files a person could read, safe from a crash, and nothing else."""
    staged = top / "staging" / str(number)
    for name in ("inventory.json", "v1/inventory.json"):
        (staged / name).parent.mkdir(parents=True, exist_ok=True)
        put(staged / name, b"x" * 2_500)
        put(staged / f"{name}.sha512", b"x" * 144)
    put(staged / "0=ocfl_object_1.1", b"ocfl_object_1.1\n")
    for piece in snapshot.pieces:
        target = staged / "v1" / "content" / piece.path
        target.parent.mkdir(parents=True, exist_ok=True)
        content = piece.content
        if isinstance(content, StoredPiece):
            with content.open() as stream:
                content = stream.read()
        sha512(content)
        put(target, content)
    for folder, _, _ in os.walk(staged, topdown=False):
        sync(Path(folder))
    name = sha256(snapshot.object_id.encode()).hexdigest()
    parent = top / "objects" / name[:3] / name[3:6] / name[6:9]
    parent.mkdir(parents=True, exist_ok=True)
    staged.rename(parent / str(number))
    for folder in (parent, *parent.parents[:3]):
        sync(folder)


def put(path: Path, data: bytes) -> None:
    """A file, synced."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def sync(folder: Path) -> None:
    """A folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def resident() -> int:
    """Bytes of memory of its own that this process holds now.

    Pages of mapped libraries are left out: the kernel drops those that nobody uses for a while and reads them again.
    """
    pages, of_files = map(int, Path("/proc/self/statm").read_text().split()[1:3])
    return (pages - of_files) * os.sysconf("SC_PAGE_SIZE")


def one_round(objects: int, recordings: Recordings, threads: int, folder: Path) -> tuple[float, float, float]:
    """Objects a second: bare, created, verified."""
    snapshots = [recordings.snapshot(number) for number in range(objects)]
    begin = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda number: write_bare(folder / "bare", snapshots[number], number), range(objects)))
    bare = objects / (time.perf_counter() - begin)
    archive = Archive(folder)
    begin = time.perf_counter()
    archive.create(iter(snapshots), threads, lambda: None)
    created = objects / (time.perf_counter() - begin)
    begin = time.perf_counter()
    seen, problems = archive.verify(lambda _: None)
    verified = objects / (time.perf_counter() - begin)
    assert (seen, problems) == (objects, 0)
    return bare, created, verified


def compare(objects: int, megabytes: float, threads: int, rounds: int, on: Path | None) -> None:
    """Medians of some rounds."""
    recordings = Recordings(int(megabytes * 1_000_000))
    with tempfile.TemporaryDirectory(dir=on) as folder:
        figures = [one_round(objects, recordings, threads, Path(folder) / str(number)) for number in range(rounds)]
    bare, created, verified = (median(each) for each in zip(*figures, strict=True))
    ratio = median(each[1] / each[0] for each in figures)
    best = max(each[1] for each in figures)
    print(
        f"{threads} thread(s), {objects:,} objects of {megabytes:g} MB, median of {rounds}: created {created:,.0f} /s "
        f"(best {best:,.0f}), bare writer {bare:,.0f} /s, ratio {ratio:.2f}; verified {verified:,.0f} /s"
    )


class Growth:
    """Memory held at a tenth and at the end of a phase."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total, self._seen = name, total, 0
        self._early = 0
        self._begin = time.perf_counter()

    def step(self, by: int) -> None:
        """So many objects more are done."""
        self._seen += by
        if not self._early and self._seen >= self._total // 10:
            self._early = resident()

    def through(self, items: Iterable[Item]) -> Iterator[Item]:
        """Each of them is one step."""
        for item in items:
            yield item
            self.step(1)

    def tell(self) -> None:
        """What it came to, per object of the last nine tenths."""
        grown = resident() - self._early
        took = time.perf_counter() - self._begin
        print(
            f"{self._name}: {self._seen / took:,.0f} /s, {self._early / 1e6:,.0f} MB after a tenth, "
            f"{grown / 1e6:+,.1f} MB since: {grown / (0.9 * self._total):,.0f} bytes an object",
            flush=True,
        )


def watch_memory(objects: int, folder: Path) -> None:
    """Each phase over many small objects."""
    recordings = Recordings(1_000)
    warm = Archive(folder / "warm")  # what is imported and set up once is no growth
    warm.create((recordings.snapshot(number) for number in range(A_DAY)), 8, lambda: None)
    warm.verify(lambda _: None)
    rebuild_index(warm.place, warm.store, Standings.read(warm.ledger.entries()))
    archive = Archive(folder)
    growth = Growth("created", objects)
    archive.create((recordings.snapshot(number) for number in range(objects)), 8, lambda: growth.step(BATCH))
    growth.tell()
    growth = Growth("verified", objects)
    archive.verify(growth.step)
    growth.tell()
    growth = Growth("promises and holds read", objects)
    archive.promise(objects)
    standings = Standings.read(growth.through(archive.ledger.entries(objects)))
    growth.tell()
    growth = Growth("index rebuilt", objects)
    assert rebuild_index(archive.place, archive.store, standings, advance=growth.step) == objects
    growth.tell()


def main() -> None:
    """Speed, or memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=None, help="300 a round, 100,000 with --memory")
    parser.add_argument("--megabytes", type=float, default=1.0)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--on", type=Path, help="a folder on the disk to measure; the usual temporary one if not given")
    parser.add_argument("--memory", action="store_true", help="watch memory instead of the clock")
    options = parser.parse_args()
    if options.memory:
        with tempfile.TemporaryDirectory(dir=options.on) as folder:
            watch_memory(options.objects or 100_000, Path(folder))
        return
    for threads in options.threads:
        compare(options.objects or 300, options.megabytes, threads, options.rounds, options.on)


if __name__ == "__main__":
    main()
