"""Addresses that may be printed: host and known words of the path, nothing that identifies a person or opens a door."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

HIDDEN = "…"
"""Stands for every part that is not a known word."""


def describe_url(url: str, *, words: Collection[str] = ()) -> str:
    """Scheme, host and path of an address; path segments that are not in ``words`` are hidden, user, query and
    fragment dropped.

    Ids, numbers and e-mail addresses travel in paths and queries, signatures and tokens in queries: none survives.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return HIDDEN
    path = "/".join(segment if not segment or segment in words else HIDDEN for segment in parts.path.split("/"))
    if not host:
        return path or HIDDEN
    where = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{where}{f':{port}' if port else ''}{path}"
