"""Packages that were handed over: those that lie under home go, the others are named."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from hashlib import sha512
from pathlib import Path

from zcc_pipeline.archive.ledger import Action
from zcc_pipeline.pipeline.purging.report import PackageElsewhere, Removed
from zcc_pipeline.pipeline.purging.subject import Subject
from zcc_pipeline.pipeline.runtime import Runtime

PLACE = "packages"
_BAG = "bagit.txt"
_TAG_MANIFEST = "tagmanifest-sha512.txt"
_NOT_LOOKED_INTO = frozenset({"lake", "files", "archive", "dagster", "dbt", "archive-keys", "keys"})
"""Folders of our own under home, in which nobody puts packages."""


def clear(runtime: Runtime, subject: Subject) -> Iterator[Removed]:
    """A package of several engagements goes as a whole: it is a copy, and can be made again without the erased one."""
    wanted = {package.sha512 for package in named_packages(runtime, subject)}
    packages = size = 0
    for folder in _bags(runtime.config.home) if wanted else ():
        if _digest(folder) in wanted:
            size += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            shutil.rmtree(folder)
            packages += 1
    yield Removed(PLACE, "packages", packages, size)


def named_packages(runtime: Runtime, subject: Subject) -> tuple[PackageElsewhere, ...]:
    """Every package that holds one of the engagements, as the ledger has it."""
    object_ids = {purge.object_id for purge in subject.purges}
    found: dict[str, PackageElsewhere] = {}
    for logged in runtime.archive.ledger.entries():
        entry = logged.entry
        if entry.action is Action.PACKAGE and entry.object_id in object_ids and entry.manifest_sha512:
            made = PackageElsewhere(entry.matter or "", entry.manifest_sha512, logged.time.date())
            found.setdefault(entry.manifest_sha512, made)
    return tuple(found.values())


def elsewhere(runtime: Runtime, subject: Subject) -> tuple[PackageElsewhere, ...]:
    """Those of them that do not lie under home."""
    named = named_packages(runtime, subject)
    here = {_digest(folder) for folder in _bags(runtime.config.home)} if named else set()
    return tuple(package for package in named if package.sha512 not in here)


def _bags(home: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(home):
        if Path(folder) == home:
            names[:] = [name for name in names if name not in _NOT_LOOKED_INTO]
        if _BAG in files:
            names.clear()
            yield Path(folder)


def _digest(folder: Path) -> str | None:
    try:
        return sha512((folder / _TAG_MANIFEST).read_bytes()).hexdigest()
    except OSError:
        return None
