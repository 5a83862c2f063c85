"""File names in a package: safe in every file system and in BagIt's manifests, and never two that differ in case."""

from __future__ import annotations

import re

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 60


class Names:
    """Gives each thing a path of its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def folder(self, number: int, engagement_id: str) -> str:
        """A folder for an engagement: the number makes it unique, the id is there to be recognised."""
        return f"{number:05d}-{_UNSAFE.sub('_', engagement_id)[:_LONGEST]}"

    def path(self, text: str) -> str:
        """A path of an object without the percent sign, which manifests would have to encode (RFC 8493, 2.1.3)."""
        plain = text.replace("=", "=3d").replace("%", "=")
        name, count = plain, 1
        while name.casefold() in self._taken:
            count += 1
            stem, dot, suffix = plain.rpartition(".")
            name = f"{stem}~{count}.{suffix}" if dot else f"{plain}~{count}"
        self._taken.add(name.casefold())
        return name
