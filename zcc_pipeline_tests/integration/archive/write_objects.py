"""Objects for tests, and a process that writes them until it is killed."""

from __future__ import annotations

import io
import sys
from hashlib import sha512
from pathlib import Path

from zcc_pipeline.archive.contents import Piece, Snapshot, StoredPiece
from zcc_pipeline.archive.ocfl import Author, ObjectStore
from zcc_pipeline.archive.storage import FolderPlace, syncing
from zcc_pipeline.domain.clock import SystemClock

AUTHOR = Author("zcc-pipeline", "https://example.com/zcc-pipeline")


def object_id(number: int) -> str:
    return f"urn:zoom-cc:acct-1:engagement:eng-{number:05d}"


def snapshot(
    number: int, *, note: str = "first", transcript: str = "", cover: str = "cover", size: int = 2_000
) -> Snapshot:
    audio = bytes([number % 251]) * size
    pieces = [
        Piece("engagement.json", f'{{"engagement_id":"{number}"}}'.encode()),
        Piece("notes.json", f'[{{"note":"{note}"}}]'.encode()),
        Piece("recordings/rec-1.mp3", StoredPiece(lambda: io.BytesIO(audio), size, sha512(audio).hexdigest())),
        Piece("engagement.html", cover.encode(), is_volatile=True),
    ]
    if transcript:
        pieces.append(Piece("transcripts/rec-1.vtt", transcript.encode()))
    return Snapshot(object_id(number), tuple(pieces))


def main() -> None:
    top, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if sys.argv[4:] == ["each"]:
        syncing.SOUND = frozenset()  # as on a file system whose own sync of everything cannot be relied on
    store = ObjectStore(FolderPlace(top), clock=SystemClock())
    store.prepare()
    print("ready", flush=True)
    for number in range(first, first + count):
        store.write(snapshot(number), message="export", author=AUTHOR)
        store.write(snapshot(number, note=f"edited {first}"), message="export", author=AUTHOR)


if __name__ == "__main__":
    main()
