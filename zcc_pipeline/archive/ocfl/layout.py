"""Where an object lies: OCFL extension 0003, hash and id n-tuple
(https://ocfl.github.io/extensions/0003-hash-and-id-n-tuple-storage-layout.html)."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha256

from zcc_pipeline.archive.contents import safe_name

EXTENSION = "0003-hash-and-id-n-tuple-storage-layout"
ROOT = "objects"
"""The OCFL storage root inside the archive; nothing else may lie in it."""

_TUPLE_SIZE = 3
_TUPLES = 3
_AT_HAND = 1_000
"""Objects that are being written or read: each is asked for several times."""

ROOT_FILES = {
    "0=ocfl_1.1": b"ocfl_1.1\n",
    "ocfl_layout.json": json.dumps(
        {
            "extension": EXTENSION,
            "description": "Three folders of three characters of the SHA-256 of the object's id, then the encoded id",
        },
        indent=2,
    ).encode(),
    f"extensions/{EXTENSION}/config.json": json.dumps(
        {
            "extensionName": EXTENSION,
            "digestAlgorithm": "sha256",
            "tupleSize": _TUPLE_SIZE,
            "numberOfTuples": _TUPLES,
        },
        indent=2,
    ).encode(),
}


@lru_cache(_AT_HAND)
def object_key(object_id: str) -> str:
    """The folder of an object."""
    digest = sha256(object_id.encode()).hexdigest()
    tuples = [digest[at : at + _TUPLE_SIZE] for at in range(0, _TUPLES * _TUPLE_SIZE, _TUPLE_SIZE)]
    return "/".join((ROOT, *tuples, safe_name(object_id)))
