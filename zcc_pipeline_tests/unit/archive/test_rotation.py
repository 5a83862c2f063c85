"""Another key signs: introduced by the old one, which signs nothing after that; a crash anywhere is gone on from."""

from __future__ import annotations

from pathlib import Path

import pytest

from zcc_pipeline.archive.ledger import Action, BadNote, Entry, check_ledger, signer_of
from zcc_pipeline.archive.ledger.keys import new_key
from zcc_pipeline.archive.opening import KEY, NEXT_KEY, Archive, ArchiveAccess
from zcc_pipeline.archive.rotation import Rotated, rotate_key
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import ConfigurationError, PermanentError

ENTRY = Entry(Action.VERIFY, "svc", "run-1")


def opened(top: Path, *, key: bytes | None = None) -> Archive:
    access = ArchiveAccess(
        str(top / "archive"), "acct", top / "keys", signing_key=key.decode() if key else None, witness=str(top / "far")
    )
    return Archive(access, clock=SystemClock())


def rotate(archive: Archive, *, new: bytes | None = None, destroy_old: bool = False) -> Rotated:
    return rotate_key(archive, new_pem=new, destroy_old=destroy_old, run_id="run-2")


def problems(archive: Archive, top: Path) -> list[str]:
    elsewhere = [path.read_bytes() for path in sorted((top / "far").rglob("*.note"))]
    return [f"{each.where}: {each.text}" for each in check_ledger(archive.ledger, archive.shelf, elsewhere=elsewhere)]


def test_after_three_rotations_the_whole_history_is_verified_with_the_first_key_alone(tmp_path: Path) -> None:
    opened(tmp_path).ledger.append([ENTRY])
    first = str(opened(tmp_path).signer.verifier)
    seen = {first}
    for _ in range(3):
        rotated = rotate(opened(tmp_path))
        assert str(rotated.old) in seen
        seen.add(str(rotated.new))
        opened(tmp_path).ledger.append([ENTRY, ENTRY])
    assert len(seen) == 4
    assert (tmp_path / "keys" / "trusted-keys").read_text().split() == [first]
    archive = opened(tmp_path)
    assert problems(archive, tmp_path) == []
    assert [each.entry.key for each in archive.ledger.entries() if each.entry.action is Action.KEY_ROTATED]


def test_the_old_key_is_kept_for_its_owner_or_destroyed_as_told(tmp_path: Path) -> None:
    opened(tmp_path).ledger.append([ENTRY])
    before = (tmp_path / "keys" / KEY).read_bytes()
    retired = rotate(opened(tmp_path)).retired
    assert retired is not None
    assert retired.read_bytes() == before
    assert retired.stat().st_mode & 0o777 == (tmp_path / "keys" / KEY).stat().st_mode & 0o777 == 0o600
    second = (tmp_path / "keys" / KEY).read_bytes()
    assert rotate(opened(tmp_path), destroy_old=True).retired is None
    assert second not in [path.read_bytes() for path in (tmp_path / "keys").iterdir()]
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {KEY, "trusted-keys", retired.name}


def test_what_the_old_key_signs_after_it_was_replaced_is_refused_and_found(tmp_path: Path) -> None:
    thief = opened(tmp_path)
    thief.ledger.append([ENTRY])
    stolen = thief.signer
    rotate(opened(tmp_path), destroy_old=True)
    with pytest.raises(BadNote, match="was replaced at entry 2"):
        thief.ledger.append([ENTRY])
    opened(tmp_path).ledger.append([ENTRY])
    archive = opened(tmp_path)
    newest = archive.ledger.latest()
    assert newest is not None
    text = newest.note.rpartition(b"\n\n")[0] + b"\n"
    archive.shelf.write("checkpoint", text + b"\n" + stolen.line(text).encode())
    assert problems(opened(tmp_path), tmp_path) == [
        "checkpoint: the checkpoint of 3 entries is signed by a key that was replaced at entry 2"
    ]


@pytest.mark.parametrize(
    ("dies_in", "call"),
    [
        ("zcc_pipeline.archive.ledger.keys.os.link", 1),  # the new key is being made
        ("zcc_pipeline.archive.ledger.shelf.FolderShelf.write", 1),  # tiles, entries, two notes, the key's file
        ("zcc_pipeline.archive.ledger.shelf.FolderShelf.write", 3),
        ("zcc_pipeline.archive.ledger.shelf.FolderShelf.write", 4),
        ("zcc_pipeline.archive.ledger.shelf.FolderShelf.write", 5),
        ("zcc_pipeline.archive.rotation.take_over", 1),
        ("zcc_pipeline.archive.ledger.keys.os.link", 2),  # the old key's second name
        ("pathlib.Path.replace", "signing-key"),
    ],
)
def test_a_crash_at_any_step_is_gone_on_from_and_exports_go_on_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_in: str, call: int | str
) -> None:
    opened(tmp_path).ledger.append([ENTRY])
    with monkeypatch.context() as patched:
        patched.setattr(dies_in, dying(dies_in, call))
        with pytest.raises(KeyboardInterrupt):
            rotate(opened(tmp_path))
    opened(tmp_path).ledger.append([ENTRY])
    rotated = rotate(opened(tmp_path))
    archive = opened(tmp_path)
    archive.ledger.append([ENTRY])
    assert archive.signer.verifier == rotated.new
    assert not (tmp_path / "keys" / NEXT_KEY).exists()
    assert signer_of((tmp_path / "keys" / KEY).read_bytes(), "zcc-archive").verifier == rotated.new
    assert problems(archive, tmp_path) == []


def dying(name: str, when: int | str) -> object:
    """The same, until it is called that often, or about a file of that name."""
    import importlib

    module, _, attribute = name.rpartition(".")
    try:
        owner = importlib.import_module(module)
    except ModuleNotFoundError:
        parent, _, last = module.rpartition(".")
        owner = getattr(importlib.import_module(parent), last)
    real, calls = getattr(owner, attribute), iter(range(1, 100))

    def called(*arguments: object, **options: object) -> object:
        about = str(getattr(arguments[0], "name", ""))
        if when == next(calls) or (isinstance(when, str) and about.startswith(when)):
            raise KeyboardInterrupt
        return real(*arguments, **options)

    return called


def test_a_key_from_the_setting_is_replaced_by_one_that_the_operator_brings(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    opened(tmp_path, key=old).ledger.append([ENTRY])
    with pytest.raises(ConfigurationError, match=r"(?s)ZCC_ARCHIVE_SIGNING_KEY.*--new-key"):
        rotate(opened(tmp_path, key=old))
    assert rotate(opened(tmp_path, key=old), new=new).is_setting
    with pytest.raises(BadNote, match="ZCC_ARCHIVE_SIGNING_KEY"):
        opened(tmp_path, key=old).ledger.append([ENTRY])
    again = rotate(opened(tmp_path, key=old), new=new)
    assert (again.entry, again.is_setting) == (None, True)
    archive = opened(tmp_path, key=new)
    archive.ledger.append([ENTRY])
    assert problems(archive, tmp_path) == []
    assert not (tmp_path / "keys" / KEY).exists()


def test_a_key_that_signs_or_signed_before_is_no_new_one(tmp_path: Path) -> None:
    opened(tmp_path).ledger.append([ENTRY])
    first = (tmp_path / "keys" / KEY).read_bytes()
    with pytest.raises(PermanentError, match="a new one is needed"):
        rotate(opened(tmp_path), new=first)
    rotate(opened(tmp_path))
    with pytest.raises(PermanentError, match="a new one is needed"):
        rotate(opened(tmp_path), new=first)


def test_a_file_that_is_no_key_changes_nothing(tmp_path: Path) -> None:
    opened(tmp_path).ledger.append([ENTRY])
    with pytest.raises(ConfigurationError, match="Ed25519"):
        rotate(opened(tmp_path), new=b"no key")
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {KEY, "trusted-keys"}
