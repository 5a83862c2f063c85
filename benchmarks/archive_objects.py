"""Write objects of four files into the archive, then verify them: how many a second, and how much memory.

    python benchmarks/archive_objects.py [--objects 1000] [--megabytes 1.0] [--threads 1]

Aims on 2 cores, objects of 1 MB: 150 created per second on one thread and 250 on eight, 250 verified per second.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha512
from pathlib import Path

from zcc_pipeline.archive.contents import Piece, Snapshot, StoredPiece
from zcc_pipeline.archive.ledger import Action, Entry, FolderShelf, Ledger, signer_of
from zcc_pipeline.archive.ledger.keys import new_key
from zcc_pipeline.archive.ocfl import Author, ObjectStore
from zcc_pipeline.archive.storage import FolderPlace
from zcc_pipeline.archive.verification import Notebook, Pace, Subject, Verification
from zcc_pipeline.domain.clock import SystemClock

BATCH = 500
"""Objects whose entries the ledger takes at once."""

AUTHOR = Author("benchmark", "https://example.com/benchmark")


def snapshot(number: int, audio: bytes) -> Snapshot:
    """Four files, of which the recording is nearly all."""
    unique = number.to_bytes(8, "big") + audio
    return Snapshot(
        f"urn:zoom-cc:bench:engagement:{number:09d}",
        (
            Piece("engagement.json", b'{"engagement_id":"%09d"}' % number),
            Piece("notes.json", b'[{"note":"Asked about order %09d."}]' % number),
            Piece("engagement.html", b"<p>%09d</p>" % number, is_volatile=True),
            Piece(
                "recordings/rec-1.mp3",
                StoredPiece(lambda: io.BytesIO(unique), len(unique), sha512(unique).hexdigest()),
            ),
        ),
    )


def main() -> None:
    """Create, then verify."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=1_000)
    parser.add_argument("--megabytes", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    audio = os.urandom(int(options.megabytes * 1_000_000))
    with tempfile.TemporaryDirectory() as folder:
        place = FolderPlace(Path(folder) / "archive")
        store = ObjectStore(place, clock=SystemClock())
        store.prepare()

        clock = SystemClock()
        shelf = FolderShelf(Path(folder) / "archive" / "ledger")
        signer = signer_of(new_key(), "benchmark")
        ledger = Ledger(shelf, origin="benchmark", trusted=(signer.verifier,), clock=clock, signers=(signer,))

        def create(number: int) -> Entry:
            written = store.write(snapshot(number, audio), message="benchmark", author=AUTHOR)
            return Entry(Action.CREATE, "benchmark", "1", written.object_id, written.version, written.inventory_sha512)

        begin = time.perf_counter()
        with ThreadPoolExecutor(options.threads) as pool:
            for first in range(0, options.objects, BATCH):
                ledger.append(list(pool.map(create, range(first, min(first + BATCH, options.objects)))))
        created = options.objects / (time.perf_counter() - begin)
        begin = time.perf_counter()
        notebook = Notebook(Path(folder) / "verification.sqlite")
        with notebook:
            verification = Verification(Subject(place, ledger, shelf), notebook, Pace(clock))
            problems = sum(1 for _ in verification.run())
        assert verification.counts.objects == options.objects
        verified = options.objects / (time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.objects:,} objects of {options.megabytes:g} MB on {options.threads} thread(s):")
    print(f"created {created:,.0f} /s, verified {verified:,.0f} /s, {problems} problems, peak memory {peak:,.0f} MB")


if __name__ == "__main__":
    main()
