"""``zcc archive rotate-key``: another key signs from now on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.screen import paragraph, path_text, print_json, say

NewKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--new-key",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Ed25519 key (PEM) to sign from now on. Default: one is made.",
        show_default=False,
    ),
]
DestroyOption = Annotated[
    bool, typer.Option("--destroy-old", help="Delete the old private key. Default: it is kept beside, renamed.")
]


def rotate_key(new_key: NewKeyOption = None, destroy_old: DestroyOption = False, as_json: JsonOption = False) -> None:
    """Let another key sign the archive's checkpoints. The old one introduces it, and signs nothing after that.

    What the old key has signed stays verified: whoever trusts the first key of the archive follows the entries
    key-rotated from one to the next. Refused while an export runs. Stopped half-way, the same command goes on.

    Where ZCC_ARCHIVE_SIGNING_KEY holds the key: make a new one (openssl genpkey -algorithm ed25519), run this with
    --new-key and the old setting, then put the new key into the setting. Until then nothing is archived.

    Examples:
        zcc archive rotate-key
        zcc archive rotate-key --destroy-old
        zcc archive rotate-key --new-key new.pem
    """
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.pipeline.archive_keys import rotate_key as rotate

    with opened_runtime(as_json=as_json) as runtime:
        rotated = rotate(runtime, new_pem=None if new_key is None else new_key.read_bytes(), destroy_old=destroy_old)
    if as_json:
        print_json(
            {
                "old_key": None if rotated.old is None else str(rotated.old),
                "new_key": str(rotated.new),
                "ledger_entry": rotated.entry,
                "old_private_key": rotated.retired,
                "change_the_setting": rotated.is_setting,
                "without_witness": rotated.unwitnessed,
            }
        )
        return
    if rotated.entry is None:
        say("The ledger had introduced it before.")
    else:
        say(f"Entry {rotated.entry} of the ledger introduces the new key; the old one signs nothing after it.")
    say(f"Signs from now on: {rotated.new}")
    if rotated.retired is not None:
        say(f"The old private key is kept in {path_text(rotated.retired)}.")
    if rotated.is_setting:
        paragraph("Put the new key into ZCC_ARCHIVE_SIGNING_KEY now: until then nothing is archived.")
    if rotated.unwitnessed:
        paragraph(f"The checkpoint has no copy elsewhere ({', '.join(rotated.unwitnessed)}).")
