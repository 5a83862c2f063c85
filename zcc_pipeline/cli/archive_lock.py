"""``zcc archive lock``: what the ledger promises, told to the bucket once more."""

from __future__ import annotations

from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.screen import counted, print_json, say


def lock(as_json: JsonOption = False) -> None:
    """Lock every version in the bucket as long as the ledger promises, and hold what a matter holds.

    Exports and holds do so by themselves. This is for what `zcc archive verify` names: an archive that was begun
    without Object Lock or brought back from a copy, or locks that somebody with the right to has lifted. Nothing is
    locked shorter, and no hold is taken off.

    Example:
        zcc archive lock
    """
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.pipeline.storage_locks import lock_again

    with opened_runtime(as_json=as_json) as runtime:
        objects = lock_again(runtime)
    if as_json:
        print_json({"objects": objects})
        return
    say(f"{counted(objects, 'object')} locked as the ledger promises.")
