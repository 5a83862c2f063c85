"""Objects as they lie in a place, each examined, and what the ledger says of it held against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha512
from itertools import groupby

from zcc_pipeline.archive.ocfl import BadInventory, ObjectProblem, check_object
from zcc_pipeline.archive.ocfl.inventory import INVENTORY, parse
from zcc_pipeline.archive.ocfl.layout import ROOT, ROOT_FILES, object_key
from zcc_pipeline.archive.storage import Place
from zcc_pipeline.archive.verification.findings import Area, Finding
from zcc_pipeline.archive.verification.notebook import KnownHead

DEPTH = 5
"""Parts of an object's key: the root, three tuples, and the id."""
_EXTENSIONS = f"{ROOT}/extensions/"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder at the depth where objects are, or a file that lies where none may (``is_stray``)."""

    key: str
    is_stray: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What an object shows of itself: its own inventory, as far as that can be read."""

    object_id: str | None
    version: int | None
    digest: str | None
    problem: str = ""
    """Why the inventory cannot be read."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One object, every byte of it."""

    key: str
    shown: Shown
    problems: tuple[ObjectProblem, ...]


def iter_folders(place: Place, *, after: str = "") -> Iterator[Folder]:
    """All of them from one listing, in order of their keys."""
    known = {f"{ROOT}/{name}" for name in ROOT_FILES}
    for parent, keys in groupby(place.keys(ROOT), key=lambda key: key.split("/")[: DEPTH - 1]):
        names: set[str] = set()
        for key in keys:
            parts = key.split("/")
            if len(parts) > DEPTH and not key.startswith(_EXTENSIONS):
                names.add(parts[DEPTH - 1])
            elif key not in known and not key.startswith(_EXTENSIONS):
                yield Folder(key, is_stray=True)
        for name in sorted(names):
            folder = "/".join((*parent, name))
            if folder > after:
                yield Folder(folder)


def look_at(place: Place, key: str) -> Shown | None:
    """What the object under that key shows of itself; None where there is no inventory."""
    data = place.read(f"{key}/{INVENTORY}")
    if data is None:
        return None
    try:
        inventory = parse(data)
    except BadInventory as error:
        return Shown(None, None, sha512(data).hexdigest(), str(error))
    return Shown(inventory.object_id, inventory.head, inventory.digest)


def examine(place: Place, key: str, known_id: str | None, advance: Callable[[int], None]) -> Examined:
    """Every file of an object. What looks wrong is looked at once more while nobody writes."""
    examined = _examine(place, key, known_id, advance)
    if examined.problems:
        with suppress(OSError), place.alone(key):  # whoever may only read cannot ask writers to wait
            examined = _examine(place, key, known_id, advance)
    return examined


def _examine(place: Place, key: str, known_id: str | None, advance: Callable[[int], None]) -> Examined:
    shown = look_at(place, key) or Shown(None, None, None, "is missing")
    object_id = known_id or shown.object_id
    if object_id is None:
        return Examined(key, shown, (ObjectProblem(key, INVENTORY, shown.problem),))
    if object_key(object_id) != key:
        return Examined(key, shown, (ObjectProblem(key, INVENTORY, "is that of an object that belongs elsewhere"),))
    try:
        problems = tuple(check_object(place, object_id, advance=advance))
    except OSError as error:  # a disk that cannot read a sector says so; it must not end the verification
        problems = (ObjectProblem(object_id, "", f"cannot be read ({error.strerror or type(error).__name__})"),)
    return Examined(key, shown, problems)


def against_ledger(shown: Shown | None, head: KnownHead | None) -> str | None:
    """What is wrong between an object and the ledger's last word on it; None where they agree."""
    if shown is None:
        if head is None or head.is_purged:
            return None
        return f"is missing: by entry {head.seq} of the ledger it is there with version {head.version}"
    if head is None:
        return "is named by no entry of the ledger"
    if head.is_purged:
        return f"is there, and by entry {head.seq} of the ledger it was erased"
    return None if shown.digest == head.digest else _how_it_differs(shown, head)


def _how_it_differs(shown: Shown, head: KnownHead) -> str:
    if shown.version is None or head.version is None:
        return f"is not what entry {head.seq} of the ledger names: its inventory cannot be read"
    if shown.version < head.version:
        return f"was set back to version {shown.version}: entry {head.seq} of the ledger has version {head.version}"
    if shown.version > head.version:
        return f"has version {shown.version}, and the ledger knows of none after {head.version}"
    return f"was rewritten: its inventory is not the one that entry {head.seq} of the ledger names"


def as_finding(problem: ObjectProblem, area: Area = Area.OBJECT) -> Finding:
    """A problem of an object's structure or content."""
    return Finding(area, problem.object_id, problem.path, problem.text)
