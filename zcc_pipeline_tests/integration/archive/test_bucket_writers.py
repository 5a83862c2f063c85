"""Crashes on the way into a bucket, and machines that write to it at once: objects stay whole, versions are one."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.archive.ledger import Action, Entry, Ledger, check_ledger, signer_of
from zcc_pipeline.archive.ledger.bucket_shelf import BucketShelf
from zcc_pipeline.archive.ledger.keys import new_key
from zcc_pipeline.archive.ocfl import Written, check_object
from zcc_pipeline.archive.storage.s3 import Bucket
from zcc_pipeline.archive.storage.s3 import place as place_module
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import PermanentError, TransientError
from zcc_pipeline_tests.integration.archive.in_bucket import ID, InBucket, Open, opener
from zcc_pipeline_tests.seaweed import Seaweed

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def opened(seaweed: Seaweed, tmp_path: Path) -> Open:
    return opener(seaweed, tmp_path)


class _Died(BaseException):
    pass


def stop_at(monkeypatch: pytest.MonkeyPatch, number: int, error: type[BaseException] = _Died) -> None:
    """Let that many of the small files that are put last arrive, and no more."""
    put, count = place_module.put_bytes, [0]

    def dying(bucket: Bucket, key: str, data: bytes, **arguments: Any) -> str | None:
        count[0] += 1
        if count[0] > number:
            raise error("died")
        return put(bucket, key, data, **arguments)

    monkeypatch.setattr(place_module, "put_bytes", dying)


@pytest.mark.parametrize("arrived", [0, 1, 2, 3])
def test_a_crash_before_the_objects_inventory_shows_nothing_and_the_next_write_settles_it(
    opened: Open, monkeypatch: pytest.MonkeyPatch, arrived: int
) -> None:
    one = opened()
    with monkeypatch.context() as patched:
        stop_at(patched, arrived)
        with pytest.raises(_Died):
            one.write("first")
    if arrived < 3:
        assert one.store.head(ID) is None
    written = one.write("first")
    assert (written.version, written.is_new_version) == (1, arrived < 3), "each version is new to whoever logs it once"
    assert list(check_object(one.place, ID)) == []
    assert one.write("edited").version == 2
    assert list(check_object(one.place, ID)) == []


@pytest.mark.parametrize("arrived", [0, 1, 2, 3])
def test_a_crash_on_the_way_to_the_second_version_leaves_the_first_or_gives_the_second(
    opened: Open, monkeypatch: pytest.MonkeyPatch, arrived: int
) -> None:
    one = opened()
    one.write("first")
    with monkeypatch.context() as patched:
        stop_at(patched, arrived)
        with pytest.raises(_Died):
            one.write("edited")
    head = one.store.head(ID)
    assert head is not None
    assert head.version == (1 if arrived < 3 else 2)
    assert one.write("edited").version == 2
    assert list(check_object(one.place, ID)) == []


def test_what_another_machine_has_just_begun_is_left_alone(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    here = opened()
    there = opened(here.bucket.url, scratch="other-machine")
    with monkeypatch.context() as patched:
        stop_at(patched, 0)
        with pytest.raises(_Died):
            here.write()
    with pytest.raises(PermanentError, match="another machine"):
        there.write()
    assert here.write().version == 1, "who began it goes on at once"
    assert list(check_object(here.place, ID)) == []


def test_of_two_machines_that_write_the_same_version_one_is_refused(opened: Open) -> None:
    here = opened()
    there = opened(here.bucket.url, scratch="other-machine")
    here.write("first")
    outcomes: list[Written | Exception] = []

    def write(one: InBucket, note: str) -> None:
        try:
            outcomes.append(one.write(note))
        except (PermanentError, TransientError) as error:
            outcomes.append(error)

    threads = [threading.Thread(target=write, args=args) for args in ((here, "one"), (there, "other"))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    written = [each for each in outcomes if isinstance(each, Written)]
    assert written
    assert len({each.version for each in written}) == len(written), "no version is written twice"
    assert list(check_object(here.place, ID)) == []


def test_threads_and_a_second_store_of_this_machine_write_one_after_the_other(opened: Open) -> None:
    one = opened()
    two = opened(one.bucket.url)
    threads = [threading.Thread(target=(one, two)[n % 2].write, args=(f"note {n}",)) for n in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    head = one.store.head(ID)
    assert head is not None
    assert head.version == 6
    assert list(check_object(one.place, ID)) == []


def test_a_machine_gets_its_name_whatever_lock_its_first_object_has(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zcc_pipeline.archive.storage.scratch._LOCKS", 1)
    assert opened().write("first").version == 1


def test_the_ledger_lies_in_the_bucket_locked_and_two_machines_append_one_after_the_other(opened: Open) -> None:
    here = opened()
    there = opened(here.bucket.url, scratch="other-machine")
    signer = signer_of(new_key(), "test")

    def ledger(one: InBucket) -> Ledger:
        shelf = BucketShelf(one.place, "ledger", wait=lambda _: threading.Event().wait(0.05))
        return Ledger(shelf, origin="o", trusted=[signer.verifier], clock=SystemClock(), signers=[signer])

    ledgers = [ledger(here), ledger(there)]
    entry = Entry(Action.VERIFY, "svc", "run")

    def append(number: int) -> None:
        for _ in range(4):
            ledgers[number].append([entry] * 3)

    threads = [threading.Thread(target=append, args=(number,)) for number in (0, 1)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    shelf = BucketShelf(here.place, "ledger", wait=lambda _: None)
    assert list(check_ledger(ledgers[0], shelf)) == []
    newest = ledgers[1].latest()
    assert newest is not None
    assert newest.size == 24
    assert len(list(shelf.names("checkpoints"))) == 8
    assert [name for name in shelf.names("") if "lock" in name] == []
    for version in here.place.object_locks.versions("ledger/tile/"):
        assert here.place.object_locks.kept(version).mode == "GOVERNANCE"


def test_a_checkpoint_that_is_there_is_never_replaced_by_another(opened: Open) -> None:
    shelf = BucketShelf(opened().place, "ledger", wait=lambda _: None)
    shelf.write("checkpoints/000000000001.note", b"one")
    shelf.write("checkpoints/000000000001.note", b"one")
    with pytest.raises(TransientError, match="ledger"):
        shelf.write("checkpoints/000000000001.note", b"other")
