"""Inventories of OCFL 1.1 (https://ocfl.io/1.1/spec/#inventory), digests in sha512."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha512
from typing import Any

import msgspec

from zcc_pipeline.domain.errors import PermanentError

TYPE = "https://ocfl.io/1.1/spec/#inventory"
DIGEST = "sha512"
INVENTORY = "inventory.json"
SIDECAR = f"{INVENTORY}.{DIGEST}"
NAMASTE = "0=ocfl_object_1.1"
_VERSION = re.compile(r"v[1-9][0-9]*")


class BadInventory(PermanentError):
    """Not an inventory of this kind, or one that contradicts itself."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a version: a program or a role, with an address that is a ``mailto:`` or another URI."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """One inventory, as parsed and as bytes."""

    object_id: str
    head: int
    manifest: Mapping[str, tuple[str, ...]]
    """Digest to the content paths that hold it."""
    states: Mapping[int, Mapping[str, str]]
    """Of each version the digest under each logical path."""
    versions: Mapping[str, Any]
    fixity: Mapping[str, Mapping[str, tuple[str, ...]]]
    data: bytes

    @property
    def state(self) -> Mapping[str, str]:
        """The newest version's."""
        return self.states[self.head]

    @property
    def digest(self) -> str:
        """SHA-512 of the file."""
        return sha512(self.data).hexdigest()

    @property
    def sidecar(self) -> bytes:
        """The file beside it."""
        return f"{self.digest} {INVENTORY}\n".encode()

    def content_path(self, path: str, version: int | None = None) -> str:
        """Where the bytes of a logical path lie; ``KeyError`` where that version has none."""
        return self.manifest[self.states[version or self.head][path]][0]


def parse(data: bytes) -> Inventory:
    """``BadInventory`` where it is none, or another kind's."""
    try:
        found = json.loads(data)
        head = found["head"]
        if found["type"] != TYPE or found["digestAlgorithm"] != DIGEST or not _VERSION.fullmatch(head):
            raise BadInventory("an inventory of another kind")
        states = {
            int(name[1:]): {path: digest for digest, paths in version["state"].items() for path in paths}
            for name, version in found["versions"].items()
            if _VERSION.fullmatch(name)
        }
        if sorted(states) != list(range(1, int(head[1:]) + 1)):
            raise BadInventory("an inventory whose versions are not one to its head")
        return Inventory(
            object_id=str(found["id"]),
            head=int(head[1:]),
            manifest={digest: tuple(paths) for digest, paths in found["manifest"].items()},
            states=states,
            versions=found["versions"],
            fixity={
                name: {digest: tuple(paths) for digest, paths in block.items()}
                for name, block in found.get("fixity", {}).items()
            },
            data=data,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInventory(f"not an inventory ({type(error).__name__})") from None


@dataclass(frozen=True, slots=True)
class NewContent:
    """A file that a new version brings."""

    path: str
    """Its logical path."""
    sha512: str
    sha256: str


def next_inventory(
    before: Inventory | None,
    *,
    object_id: str,
    state: Mapping[str, str],
    fresh: list[NewContent],
    created: datetime,
    message: str,
    author: Author,
) -> Inventory:
    """The inventory with one more version, whose state is given. ``fresh`` is what no earlier version holds."""
    head = 1 if before is None else before.head + 1
    manifest = {} if before is None else {digest: list(paths) for digest, paths in before.manifest.items()}
    sha256s = {} if before is None else {key: list(paths) for key, paths in before.fixity.get("sha256", {}).items()}
    for content in fresh:
        where = f"v{head}/content/{content.path}"
        manifest.setdefault(content.sha512, []).append(where)
        sha256s.setdefault(content.sha256, []).append(where)
    by_digest: dict[str, list[str]] = {}
    for path, digest in sorted(state.items()):
        by_digest.setdefault(digest, []).append(path)
    version = {
        "created": created.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "message": message,
        "state": by_digest,
        "user": {"name": author.name, "address": author.address},
    }
    document = {
        "id": object_id,
        "type": TYPE,
        "digestAlgorithm": DIGEST,
        "head": f"v{head}",
        "manifest": manifest,
        "versions": {**({} if before is None else before.versions), f"v{head}": version},
        "fixity": {"sha256": sha256s},
    }
    return parse(msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1))
