"""Stamps beside the checkpoints that they are of: ``checkpoints/<size>.tsr``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zcc_pipeline.archive.ledger import Checkpoint, Shelf
from zcc_pipeline.archive.ledger.ledger import NOTES
from zcc_pipeline.archive.stamps.authority import Authority, StampRefused
from zcc_pipeline.archive.stamps.checking import BadStamp, Roots, check_stamp

_SUFFIX = ".tsr"


@dataclass(frozen=True, slots=True)
class Stamped:
    """What became of the newest checkpoint."""

    size: int
    is_new: bool
    why_not: str = ""
    """Why it has no stamp; the next export asks again."""


def stamp_name(size: int) -> str:
    """Where the stamp of the checkpoint of that size is kept."""
    return f"{NOTES}/{size:012d}{_SUFFIX}"


def stamp_newest(shelf: Shelf, newest: Checkpoint | None, authority: Authority) -> Stamped | None:
    """Give the newest checkpoint a stamp if it has none: it is one for all entries before it as well.

    None where there is nothing to stamp.
    """
    if newest is None:
        return None
    name = stamp_name(newest.size)
    if shelf.read(name) is not None:
        return Stamped(newest.size, is_new=False)
    try:
        reply = authority.stamp(newest.note)
    except StampRefused as error:
        return Stamped(newest.size, is_new=False, why_not=str(error))
    shelf.write(name, reply)
    return Stamped(newest.size, is_new=True)


def check_stamps(shelf: Shelf, roots: Roots | None) -> Iterator[tuple[str, str]]:
    """Every stamp, and what is wrong between it and the checkpoint that it is of; an empty text where nothing is.

    Who signed it is only looked at where ``roots`` say who may.
    """
    for name in list(shelf.names(NOTES)):
        if name.endswith(_SUFFIX):
            yield name, _problem(shelf, name, roots)


def _problem(shelf: Shelf, name: str, roots: Roots | None) -> str:
    note = shelf.read(name.removesuffix(_SUFFIX) + ".note")
    if note is None:
        return "belongs to no checkpoint"
    try:
        check_stamp(shelf.read(name) or b"", note, roots)
    except BadStamp as error:
        return str(error)
    return ""
