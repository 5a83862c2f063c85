"""Names of stored files. Source ids are opaque and treated as hostile: no name leads out of its folder."""

from __future__ import annotations

import re
from datetime import date
from hashlib import sha256

_LONGEST_ID = 120
_KEPT_OF_LONG_ID = 80
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_UNSAFE = re.compile(rb"[^A-Za-z0-9_-]")
_DIGEST_IN_NAME = 12


def file_path(*, kind: str, source_id: str, day: date, digest: str, extension: str) -> str:
    """``recording/date=2026-11-22/<id>.<first 12 of the SHA-256>.wav``, below the root of the file store."""
    if not _KIND.fullmatch(kind):
        raise ValueError(f"not a kind of file: {kind!r}")
    name = f"{safe_id(source_id)}.{digest[:_DIGEST_IN_NAME]}.{extension}"
    return f"{kind}/date={day.isoformat()}/{name}"


def safe_id(source_id: str) -> str:
    """The id as part of a file name: letters, digits, ``_`` and ``-`` as they are, other bytes as ``=2F``.

    Different ids have different names: one too long for a file name keeps its beginning and gets a digest of the
    whole, which is set off by ``=h`` and so cannot be mistaken for another id.
    """
    raw = source_id.encode("utf-8", "surrogatepass")
    name = _UNSAFE.sub(lambda found: b"=%02X" % found.group()[0], raw).decode("ascii")
    if len(name) <= _LONGEST_ID:
        return name or "="
    return f"{name[:_KEPT_OF_LONG_ID]}=h{sha256(raw).hexdigest()[:32]}"


def is_inside(path: str) -> bool:
    """Whether a relative path stays below the root."""
    return bool(path) and not path.startswith("/") and not {"", ".", ".."} & set(path.split("/"))
