"""What objects are called: the account and the engagement, so that a name says whose object it is and nothing else."""

from __future__ import annotations

from urllib.parse import quote, unquote

_PREFIX = "urn:zoom-cc:"
_MIDDLE = ":engagement:"


def object_id_of(account: str, engagement_id: str) -> str:
    """``urn:zoom-cc:<account>:engagement:<id>``, both percent-encoded where they must be."""
    return f"{_PREFIX}{_encoded(account)}{_MIDDLE}{_encoded(engagement_id)}"


def engagement_id_of(object_id: str) -> str | None:
    """The engagement whose object it is; None for a name of another kind."""
    account, middle, engagement_id = object_id.removeprefix(_PREFIX).partition(_MIDDLE)
    if not (object_id.startswith(_PREFIX) and account and middle and engagement_id):
        return None
    return unquote(engagement_id, errors="surrogatepass")


def _encoded(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")
