"""Objects for tests, and a process that writes them until it is killed."""

from __future__ import annotations

import io
import os
import signal
import sys
from hashlib import sha512
from pathlib import Path

from zcc_pipeline.archive.contents import Piece, Snapshot, StoredPiece
from zcc_pipeline.archive.ocfl import Author, Draft, ObjectStore
from zcc_pipeline.archive.storage import FolderPlace, folder, syncing
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


def die_after_renames(count: int) -> None:
    """In the middle of a group, as by a power cut: nothing is tidied up."""
    rename, left = folder.rename_whole, [count]

    def dying(staged: Path, target: Path) -> None:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        rename(staged, target)

    folder.rename_whole = dying


def main() -> None:
    """Of each group first all objects, then a second version of each."""
    top, first, count, *how = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]
    if how == ["each"]:
        syncing.SOUND = frozenset()  # as on a file system whose own sync of everything cannot be relied on
    elif how and how != ["together"]:
        die_after_renames(int(how[0]))
    store = ObjectStore(FolderPlace(top), clock=SystemClock())
    store.prepare()
    print("ready", flush=True)
    for begin in range(first, first + count, store.at_once):
        numbers = range(begin, min(begin + store.at_once, first + count))
        for note in ("first", f"edited {first}"):
            drafts = [Draft(snapshot(number, note=note)) for number in numbers]
            store.write_together(drafts, message="export", author=AUTHOR)


if __name__ == "__main__":
    main()
