"""Another key signs from now on: made, introduced by the one that has signed so far, put in its place.

Each step may be the last before a crash, and the same call goes on from there: the new key waits in a file of its own,
the ledger introduces it in one step, after which the old one is refused, and the files are exchanged. A key that waits
and is introduced signs even before its file has its final name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zcc_pipeline.archive.ledger import Signer, Verifier, signer_of
from zcc_pipeline.archive.ledger.keys import SETTING, prepare, take_over
from zcc_pipeline.archive.opening import KEY, NEXT_KEY, SIGNER, Archive
from zcc_pipeline.domain.errors import ConfigurationError, PermanentError


@dataclass(frozen=True, slots=True)
class Rotated:
    """Which key signs now."""

    old: Verifier | None
    """None where the rotation had been introduced before, and only the files were still to be exchanged."""
    new: Verifier
    entry: int | None
    """Number of the ledger's entry that introduces the new one; None as above."""
    retired: Path | None = None
    """Where the old private key is kept."""
    is_setting: bool = False
    """The key comes from the setting, which has to be changed to the new one now."""
    unwitnessed: tuple[str, ...] = ()


def rotate_key(archive: Archive, *, new_pem: bytes | None, destroy_old: bool, run_id: str) -> Rotated:
    """Raises ``ConfigurationError`` where the key comes from the setting and no new one is given, or a key is none."""
    if archive.access.signing_key is not None:
        return _rotate_setting(archive, new_pem, run_id)
    folder = archive.access.keys_folder
    path, waiting = folder / KEY, folder / NEXT_KEY
    old = archive.signer  # made here where nothing was ever signed, so that there is one to introduce the other
    if waiting.exists() and prepare(waiting, SIGNER).verifier == old.verifier:
        return Rotated(None, old.verifier, None, _exchange(path, waiting, destroy_old=destroy_old))
    if new_pem is not None:
        _refuse_known(archive, signer_of(new_pem, SIGNER))
    new = prepare(waiting, SIGNER, new_pem)
    rotated = _introduce(archive, old, new, run_id)
    retired = _exchange(path, waiting, destroy_old=destroy_old)
    return Rotated(old.verifier, new.verifier, rotated.entry, retired, unwitnessed=rotated.unwitnessed)


def _rotate_setting(archive: Archive, new_pem: bytes | None, run_id: str) -> Rotated:
    """Files are not this program's then: the operator puts the new key where the old one was."""
    if new_pem is None:
        raise ConfigurationError(
            SETTING,
            "the key comes from this setting, so the new one has to come from you: --new-key FILE, and then change "
            "the setting to it",
            purpose="signs the checkpoints of the archive's ledger",
        )
    new = signer_of(new_pem, SIGNER)
    known = {verifier: verifier for verifier in archive.ledger.trusted_keys()}
    if new.verifier in known and known[new.verifier].until is None and new.verifier != archive.signer.verifier:
        return Rotated(None, new.verifier, None, is_setting=True)
    rotated = _introduce(archive, archive.signer, new, run_id)
    return Rotated(rotated.old, rotated.new, rotated.entry, is_setting=True, unwitnessed=rotated.unwitnessed)


def _refuse_known(archive: Archive, new: Signer) -> None:
    if new.verifier in archive.ledger.trusted_keys():
        raise PermanentError("that key signs here already, or did before it was replaced: a new one is needed")


def _introduce(archive: Archive, old: Signer, new: Signer, run_id: str) -> Rotated:
    _refuse_known(archive, new)
    appended = archive.ledger.rotate(new, actor=archive.actor, run_id=run_id)
    return Rotated(old.verifier, new.verifier, appended.logged[0].seq, unwitnessed=appended.unwitnessed)


def _exchange(path: Path, waiting: Path, *, destroy_old: bool) -> Path | None:
    if destroy_old:
        take_over(path, waiting, retired=None)
        return None
    name = signer_of(path.read_bytes(), SIGNER).verifier.hash.hex()
    retired = path.with_name(f"{path.stem}.retired-{name}{path.suffix}")
    take_over(path, waiting, retired=retired)
    return retired
