"""The ledger: what it says is signed for, and every change to any of its files is found and named."""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zcc_pipeline.archive.ledger import (
    Action,
    BadNote,
    Checkpoint,
    Entry,
    FolderShelf,
    Ledger,
    LedgerDamaged,
    LedgerMoved,
    Signer,
    Verifier,
    check_ledger,
    keep_or_make,
    signer_of,
)
from zcc_pipeline.archive.ledger.entry import decode, encode
from zcc_pipeline.archive.ledger.keys import new_key
from zcc_pipeline.archive.ledger.ledger import note_name
from zcc_pipeline.archive.ledger.notes import sign, verify
from zcc_pipeline.archive.ledger.tiles import tile_name
from zcc_pipeline.archive.ledger.tree import leaf_hash, root_of
from zcc_pipeline.domain.errors import ConfigurationError, PermanentError
from zcc_pipeline_tests.examples import of_all

ORIGIN = "zcc-pipeline.example/archive"


class SetClock:
    """Shows what it is told."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Bench:
    """A ledger in a folder with a key of its own."""

    def __init__(self, folder: Path, signer: Signer | None = None) -> None:
        self.folder = folder
        self.signer = signer or signer_of(new_key(), "archive")
        self.clock = SetClock()
        self.shelf = FolderShelf(folder)
        self.copies: list[bytes] = []
        self.ledger = self.open(self.signer)

    def open(self, *signers: Signer, trusted: tuple[Verifier, ...] = ()) -> Ledger:
        return Ledger(
            self.shelf,
            origin=ORIGIN,
            trusted=trusted or (self.signer.verifier,),
            clock=self.clock,
            signers=signers,
            witnesses=(self.keep,),
        )

    def keep(self, checkpoint: Checkpoint) -> None:
        self.copies.append(checkpoint.note)

    def add(self, count: int) -> None:
        start = 0 if self.ledger.latest() is None else self.ledger.latest().size  # type: ignore[union-attr]
        self.ledger.append([created(start + each) for each in range(count)])

    def problems(self, elsewhere: list[bytes] | None = None) -> list[tuple[str, str]]:
        found = check_ledger(self.open(), self.shelf, elsewhere=self.copies if elsewhere is None else elsewhere)
        return [(problem.where, problem.text) for problem in found]


def created(number: int) -> Entry:
    digest = sha256(str(number).encode()).hexdigest() * 2
    return Entry(Action.CREATE, "nightly", "run-1", f"urn:zoom-cc:a:engagement:{number}", 1, digest)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "ledger")


def naive_root(leaves: list[bytes]) -> bytes:
    """As RFC 6962 writes it down."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + naive_root(leaves[:half]) + naive_root(leaves[half:])).digest()


@given(st.integers(0, 600))
def test_roots_are_those_of_the_rfc(count: int) -> None:
    leaves = [str(number).encode() for number in range(count)]
    assert root_of(map(leaf_hash, leaves)) == naive_root(leaves)


def test_a_known_tree_has_its_known_root() -> None:
    """The eight leaves of the reference implementation of Certificate Transparency."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    root = root_of(leaf_hash(bytes.fromhex(leaf)) for leaf in leaves)
    assert root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_a_signature_made_elsewhere_is_verified() -> None:
    """The example of Go's package sumdb/note."""
    verifier = Verifier.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    line = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    signature = b64decode(line)
    assert signature[:4] == verifier.hash
    assert verifier.has_signed(text, signature[4:])
    assert not verifier.has_signed(text + b" ", signature[4:])
    assert str(verifier).startswith("PeterNeumann+c74f20a3+")


def test_file_names_are_those_of_the_specification() -> None:
    assert tile_name("0", 1234067) == "tile/0/x001/x234/067"
    assert tile_name("entries", 5, 3) == "tile/entries/005.p/3"
    assert tile_name("1", 1000) == "tile/1/x001/000"


def test_an_entry_comes_back_as_it_went_in() -> None:
    entry = Entry(
        Action.WINDOW_CLOSED,
        "nightly",
        "run-7",
        day=date(2026, 11, 1),
        dataset="zoom/engagements",
        manifest_sha512="ab",
    )
    leaf = encode(
        decode(
            encode(decode(b'{"action":"verify","actor":"a","run_id":"r","seq":3,"time":"2026-11-01T00:00:00.000001Z"}'))
        )
    )
    assert leaf == b'{"action":"verify","actor":"a","run_id":"r","seq":3,"time":"2026-11-01T00:00:00.000001Z"}'
    from zcc_pipeline.archive.ledger.entry import Logged

    logged = Logged(9, datetime(2026, 11, 2, tzinfo=UTC), entry)
    assert decode(encode(logged)) == logged


@settings(max_examples=of_all(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.sampled_from([1, 2, 100, 255, 256, 257, 600]), min_size=1, max_size=5))
def test_whatever_is_appended_is_there_in_order_and_every_checkpoint_still_fits(
    batches: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    bench = Bench(tmp_path_factory.mktemp("ledger"))
    for count in batches:
        bench.add(count)
    logged = list(bench.ledger.entries())
    assert [each.seq for each in logged] == list(range(sum(batches)))
    assert [each.entry for each in logged] == [created(number) for number in range(sum(batches))]
    newest = bench.ledger.latest()
    assert newest is not None
    assert newest.root == naive_root([encode(each) for each in logged])
    assert bench.problems() == []


@pytest.mark.slow
def test_seventy_thousand_entries_have_tiles_of_three_levels(bench: Bench) -> None:
    bench.add(65_000)
    bench.add(1_000)
    assert bench.shelf.read("tile/1/000") is not None
    assert bench.shelf.read("tile/2/000.p/1") is not None
    assert bench.problems() == []


def files_of(bench: Bench) -> list[str]:
    return [name for name in bench.shelf.names("") if not name.startswith(".") and name != ".lock"]


def test_a_flipped_bit_in_any_file_is_found_and_the_file_named(bench: Bench) -> None:
    for count in (3, 254, 300):
        bench.add(count)
    names = files_of(bench)
    assert {name.split("/")[0] for name in names} == {"checkpoint", "checkpoints", "tile"}
    for name in names:
        data = bench.shelf.read(name) or b""
        for at in (0, len(data) // 2, len(data) - 2):
            bench.shelf.write(name, data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
            found = bench.problems()
            assert found, f"{name} at byte {at}"
            assert any(where == name or name.startswith("tile/0") for where, _ in found), (name, at, found)
        bench.shelf.write(name, data)
    assert bench.problems() == []


def test_a_file_that_is_gone_is_found(bench: Bench) -> None:
    bench.add(300)
    for name in ("tile/entries/000", "tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/44"):
        data = bench.shelf.read(name) or b""
        (bench.folder / name).unlink()
        assert any("missing" in text for _, text in bench.problems()), name
        bench.shelf.write(name, data)
    assert bench.problems() == []


def test_a_ledger_cut_to_an_older_checkpoint_is_betrayed_by_any_copy(bench: Bench) -> None:
    bench.add(5)
    bench.add(7)
    bench.shelf.write("checkpoint", bench.copies[0])
    (bench.folder / note_name(12)).unlink()
    assert bench.problems(elsewhere=[]) == []
    assert ("elsewhere", "the ledger was cut: 7 entries that were signed are gone") in bench.problems()
    (bench.folder / "checkpoint").unlink()
    assert any(where == "checkpoint" and "is missing" in text for where, text in bench.problems())


def test_a_ledger_written_anew_by_who_has_the_key_contradicts_a_copy(bench: Bench, tmp_path: Path) -> None:
    bench.add(5)
    other = Bench(tmp_path / "other", bench.signer)
    other.ledger.append([created(number + 100) for number in range(5)])
    assert bench.problems(elsewhere=other.copies) == [
        ("elsewhere", "the first 5 entries are not those that were signed")
    ]


def test_a_checkpoint_signed_by_a_stranger_is_refused(bench: Bench) -> None:
    bench.add(5)
    newest = bench.ledger.latest()
    assert newest is not None
    stranger = signer_of(new_key(), "archive")
    forged = sign(ORIGIN, newest.size, newest.root, [stranger]).note
    assert bench.problems(elsewhere=[forged]) == [
        ("elsewhere", "the checkpoint of 5 entries is signed by no trusted key")
    ]
    bench.shelf.write("checkpoint", forged)
    with pytest.raises(BadNote):
        bench.ledger.append([created(6)])


def test_a_key_introduced_by_the_old_one_is_trusted_and_one_that_introduces_itself_is_not(bench: Bench) -> None:
    bench.add(5)
    second = signer_of(new_key(), "archive-2027")
    bench.ledger.rotate(second, actor="operator", run_id="run-2")
    bench.add(3)
    assert [key.name for key in bench.open().trusted_keys()] == ["archive", "archive-2027"]
    assert bench.problems() == []
    newest = bench.ledger.latest()
    assert newest is not None
    assert verify(newest.note, [second.verifier]).size == 9
    with pytest.raises(BadNote):
        verify(newest.note, [bench.signer.verifier])

    usurper = signer_of(new_key(), "archive-2028")
    with pytest.raises(BadNote, match="not trusted"):
        bench.open(usurper).append([created(1)])
    bench.shelf.write("keys/000000000009", f"{usurper.verifier}\n".encode())
    assert [key.name for key in bench.open().trusted_keys()] == ["archive", "archive-2027"]


def test_a_crash_at_any_write_leaves_a_ledger_that_goes_on(tmp_path: Path) -> None:
    class Dying(FolderShelf):
        left = 10**9

        def write(self, name: str, data: bytes) -> None:
            if Dying.left == 0:
                raise KeyboardInterrupt
            Dying.left -= 1
            super().write(name, data)

    for writes in range(9):
        Dying.left = 10**9
        bench = Bench(tmp_path / str(writes))
        bench.shelf = Dying(bench.folder)
        bench.ledger = bench.open(bench.signer)
        bench.add(250)
        Dying.left = writes
        with suppress(KeyboardInterrupt):
            bench.ledger.append([created(1000 + number) for number in range(20)])
        Dying.left = 10**9
        bench.ledger = bench.open(bench.signer)
        bench.ledger.settle()
        settled = [each.entry for each in bench.ledger.entries()]
        bench.ledger.append([created(2000)])
        assert [each.entry for each in bench.ledger.entries()] == [*settled, created(2000)], (
            "it is what was decided from"
        )
        seqs = [each.seq for each in bench.ledger.entries()]
        assert seqs == list(range(len(seqs)))
        assert len(seqs) in {251, 271}
        assert bench.problems() == []


def test_settling_what_is_settled_writes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.ledger.settle()
    assert not bench.folder.exists()
    bench.add(3)
    monkeypatch.setattr(FolderShelf, "write", None)
    monkeypatch.setattr(FolderShelf, "alone", None)
    bench.ledger.settle()


def test_tiles_that_are_not_those_that_were_signed_stop_every_append(bench: Bench) -> None:
    bench.add(5)
    data = bench.shelf.read("tile/0/000.p/5") or b""
    bench.shelf.write("tile/0/000.p/5", bytes([data[0] ^ 1]) + data[1:])
    with pytest.raises(LedgerDamaged):
        bench.add(1)


def test_time_never_runs_backwards_and_the_clock_is_told_of(bench: Bench) -> None:
    bench.add(1)
    bench.clock.time -= timedelta(days=3)
    bench.add(1)
    first, second = bench.ledger.entries()
    assert second.time == first.time
    assert second.clock == first.time - timedelta(days=3)
    assert bench.problems() == []


def test_two_who_append_at_once_wait_for_each_other(bench: Bench) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def add(number: int) -> None:
        bench.open(bench.signer).append([created(number * 10 + each) for each in range(3)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(24)))
    assert len(list(bench.ledger.entries())) == 72
    assert bench.problems() == []


def test_an_entry_decided_from_fewer_entries_than_there_are_is_refused(bench: Bench) -> None:
    first = bench.ledger.append([created(0)]).checkpoint.size
    bench.ledger.append([created(1)], onto=first)
    with pytest.raises(LedgerMoved):
        bench.ledger.append([created(2)], onto=first)
    assert [logged.entry for logged in bench.ledger.entries()] == [created(0), created(1)]


def test_heads_are_the_newest_versions_and_what_was_purged(bench: Bench) -> None:
    one, two = created(1), created(2)
    assert one.object_id is not None
    bench.ledger.append([one, two, Entry(Action.HOLD_ON, "legal", "run-3", one.object_id, matter="M-1")])
    bench.ledger.append([Entry(Action.ADD_VERSION, "nightly", "run-4", one.object_id, 2, "cd" * 64)])
    bench.ledger.append([Entry(Action.PURGE, "operator", "run-5", two.object_id, 1, two.inventory_sha512)])
    heads = bench.ledger.heads()
    assert dict(heads.items()) == {
        logged.entry.object_id: logged
        for logged in bench.ledger.entries()
        if logged.entry.action in {Action.ADD_VERSION, Action.PURGE}
    }


def test_a_witness_that_fails_is_named_and_the_entry_is_there(bench: Bench) -> None:
    def full(_: Checkpoint) -> None:
        raise OSError("disk full")

    ledger = Ledger(
        bench.shelf, origin=ORIGIN, trusted=(bench.signer.verifier,), clock=bench.clock,
        signers=(bench.signer,), witnesses=(full, bench.keep),
    )  # fmt: skip
    assert ledger.append([created(0)]).unwitnessed == ("OSError",)
    assert len(bench.copies) == 1


def test_a_reader_cannot_append(bench: Bench) -> None:
    with pytest.raises(PermanentError, match="no key"):
        bench.open().append([created(0)])


@given(st.binary(max_size=300))
def test_no_bytes_pass_for_a_checkpoint(data: bytes) -> None:
    with pytest.raises(BadNote):
        verify(data, [signer_of(new_key(), "a").verifier])


@given(st.text(max_size=80))
def test_no_text_passes_for_a_key(text: str) -> None:
    with pytest.raises(BadNote):
        Verifier.parse(text)


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "archive" / "signing-key.pem"
    first, second = keep_or_make(path, "archive"), keep_or_make(path, "archive")
    assert first.verifier == second.verifier
    assert path.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in repr(first)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_wrong_key_is_a_sentence_that_names_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="ZCC_ARCHIVE_SIGNING_KEY"):
        signer_of(b"-----BEGIN NONSENSE-----", "archive")
