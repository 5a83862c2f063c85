"""Bodies that should be JSON and may be anything: a proxy's HTML page, a sentence, half of an answer."""

from __future__ import annotations

from typing import Any

import msgspec

NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises where it is none."""


def json_or_none(body: bytes) -> Any:  # noqa: ANN401 - whatever came
    """What the body says, None where it is no JSON (or says ``null``)."""
    try:
        return msgspec.json.decode(body)
    except NO_JSON:
        return None
