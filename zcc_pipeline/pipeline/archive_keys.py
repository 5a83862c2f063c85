"""Exchange the key that signs the archive's ledger, while nobody exports."""

from __future__ import annotations

from dataclasses import replace

from zcc_pipeline.archive.rotation import Rotated
from zcc_pipeline.archive.rotation import rotate_key as rotate
from zcc_pipeline.pipeline.runtime import Runtime


def rotate_key(runtime: Runtime, *, new_pem: bytes | None = None, destroy_old: bool = False) -> Rotated:
    """``TransientError`` where an export is under way: it has the old key in hand."""
    with runtime.state.exports.exclusive("archive"):
        rotated = rotate(runtime.archive, new_pem=new_pem, destroy_old=destroy_old, run_id=runtime.new_id())
        _, unsent = runtime.archive.vouch()
        return replace(rotated, unwitnessed=(*rotated.unwitnessed, *unsent))
