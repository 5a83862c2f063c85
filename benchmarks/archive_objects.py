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
from zcc_pipeline.archive.ocfl import Author, ObjectStore, check_object
from zcc_pipeline.archive.storage import FolderPlace
from zcc_pipeline.domain.clock import SystemClock

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

        def create(number: int) -> None:
            store.write(snapshot(number, audio), message="benchmark", author=AUTHOR)

        begin = time.perf_counter()
        with ThreadPoolExecutor(options.threads) as pool:
            for _ in pool.map(create, range(options.objects)):
                pass
        created = options.objects / (time.perf_counter() - begin)
        begin = time.perf_counter()
        problems = sum(1 for each in store.object_ids() for _ in check_object(place, each))
        verified = options.objects / (time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.objects:,} objects of {options.megabytes:g} MB on {options.threads} thread(s):")
    print(f"created {created:,.0f} /s, verified {verified:,.0f} /s, {problems} problems, peak memory {peak:,.0f} MB")


if __name__ == "__main__":
    main()
