"""What was erased is known by a keyed hash, and nobody forgets it without noticing."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.suppression import KeyedHash, Suppressed
from zcc_pipeline.state import StateStore
from zcc_pipeline.state.suppression import KEY_NAME, keep_or_make_key
from zcc_pipeline_tests.integration.state.conftest import NOW
from zcc_pipeline_tests.integration.state.processes import meeting, outputs, start

pytestmark = pytest.mark.integration

IDS = ["eng-1", "EmJyZ1pSTSuA7pJoU7KE9w==", "тест-é-e\u0301", "a" * 4000, "", " ", "12345", "\ud800"]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "home" / "keys"


def open_at(state_url: str, keys: Path) -> StateStore:
    return StateStore.open(state_url, keys_folder=keys)


def test_a_store_that_never_erased_anything_has_no_key_and_suppresses_nothing(state_url: str, keys: Path) -> None:
    with open_at(state_url, keys) as store:
        suppression: Suppressed = store.suppression

        assert suppression.is_empty()
        assert suppression.filter(IDS) == frozenset()
        assert not suppression.filter(["eng-1"])
        suppression.add([], now=NOW)
    assert not keys.exists()


def test_ids_of_any_form_stay_suppressed_for_whoever_opens_the_store_next(state_url: str, keys: Path) -> None:
    with open_at(state_url, keys) as store:
        store.suppression.add(IDS, now=NOW)
        store.suppression.add(IDS[:2], now=NOW + timedelta(days=1))
    with open_at(state_url, keys) as store:
        assert not store.suppression.is_empty()
        assert store.suppression.filter([*IDS, "eng-2", "ENG-1", "тест-é-é", "eng-1 "]) == frozenset(IDS)
        assert store.suppression.filter(["eng-1"])
        assert not store.suppression.filter(["eng-2"])


def test_more_ids_than_one_query_takes_are_all_recognised(state_url: str, keys: Path) -> None:
    erased = {f"eng-{number}" for number in range(12_000)}
    with open_at(state_url, keys) as store:
        store.suppression.add(erased, now=NOW)

        assert store.suppression.filter(f"eng-{number}" for number in range(24_000)) == erased


def test_neither_the_ids_nor_their_plain_hashes_nor_the_key_are_in_the_database(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    with open_at(str(tmp_path / "state.sqlite"), keys) as store:
        store.suppression.add(["eng-topsecret"], now=NOW)
        other_key = KeyedHash(b"\0" * 32).of("eng-topsecret").hex().encode()
        with store._ledgers.read() as connection:
            held = connection.execute(sa.text("SELECT id_hash FROM zcc_suppressed")).scalars().all()
    written = b"".join(path.read_bytes() for path in tmp_path.glob("state*"))

    key = (keys / KEY_NAME).read_text().strip()
    assert held == [KeyedHash(bytes.fromhex(key)).of("eng-topsecret").hex()]
    assert b"eng-topsecret" not in written
    assert other_key not in written
    assert key.encode() not in written


def test_the_key_is_for_its_owner_only_and_no_half_made_one_is_left(state_url: str, keys: Path) -> None:
    with open_at(state_url, keys) as store:
        store.suppression.add(["eng-1"], now=NOW)

    assert stat.S_IMODE((keys / KEY_NAME).stat().st_mode) == 0o600
    assert [path.name for path in keys.iterdir()] == [KEY_NAME]


@pytest.mark.parametrize("become_of_it", ["lost", "another", "damaged"])
def test_without_its_key_the_store_says_so_and_never_lets_anything_back_in(
    state_url: str, keys: Path, become_of_it: str
) -> None:
    with open_at(state_url, keys) as store:
        store.suppression.add(["eng-1"], now=NOW)
    path = keys / KEY_NAME
    path.unlink()
    if become_of_it == "another":
        keep_or_make_key(path)
    if become_of_it == "damaged":
        path.write_text("0123")

    with open_at(state_url, keys) as store:
        assert not store.suppression.is_empty()
        for ask in (
            lambda: store.suppression.filter(["eng-1", "eng-2"]),
            lambda: store.suppression.add(["eng-3"], now=NOW),
        ):
            with pytest.raises(ConfigurationError, match=r"(?s)suppression\.key.*come back") as caught:
                ask()
            assert "eng-" not in str(caught.value)
    assert become_of_it != "lost" or not path.exists(), "a new key would hide that the old one is lost"


def test_a_key_made_before_the_first_erasure_was_kept_is_used_by_the_next_attempt(state_url: str, keys: Path) -> None:
    made = keep_or_make_key(keys / KEY_NAME)  # as a process that was killed in between leaves it
    with open_at(state_url, keys) as store:
        store.suppression.add(["eng-1"], now=NOW)

        assert store.suppression.filter(["eng-1"])
    assert keep_or_make_key(keys / KEY_NAME) == made


def test_processes_that_erase_for_the_first_time_at_once_share_one_key(
    state_url: str, keys: Path, tmp_path: Path
) -> None:
    begin = meeting(tmp_path, 3)

    outputs([start("suppress", state_url, begin, keys, f"eng-{number}") for number in range(3)])

    with open_at(state_url, keys) as store:
        assert store.suppression.filter(f"eng-{number}" for number in range(5)) == {"eng-0", "eng-1", "eng-2"}
    assert [path.name for path in keys.iterdir()] == [KEY_NAME]


def test_of_two_machines_that_erase_for_the_first_time_each_with_its_own_key_one_is_told(
    state_url: str, tmp_path: Path
) -> None:
    with open_at(state_url, tmp_path / "one") as store:
        store.suppression.add(["eng-1"], now=NOW)
    keep_or_make_key(tmp_path / "two" / KEY_NAME)
    with open_at(state_url, tmp_path / "two") as store, pytest.raises(ConfigurationError, match="is not the key"):
        store.suppression.add(["eng-2"], now=NOW)
    with open_at(state_url, tmp_path / "one") as store:
        assert store.suppression.filter(["eng-1", "eng-2"]) == {"eng-1"}


def test_of_many_that_make_the_key_at_once_all_get_the_same(keys: Path) -> None:
    together = Barrier(16)

    def make(path: Path) -> bytes:
        together.wait()
        return keep_or_make_key(path)

    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(make, [keys / KEY_NAME] * 16))

    assert len(set(made)) == 1
    assert [path.name for path in keys.iterdir()] == [KEY_NAME]


def test_a_snapshot_says_the_same_as_the_store_and_is_the_same_object_until_something_is_added(
    state_url: str, keys: Path
) -> None:
    with open_at(state_url, keys) as store, open_at(state_url, keys) as other:
        empty = store.suppression.snapshot()
        assert not empty
        assert "eng-1" not in empty
        assert store.suppression.snapshot() is empty
        other.suppression.add(["eng-1", "eng-2"], now=NOW)

        full = store.suppression.snapshot()

        assert len(full) == 2
        assert "eng-1" in full
        assert "eng-3" not in full
        assert store.suppression.snapshot() is full
        other.suppression.add(["eng-2"], now=NOW)
        assert store.suppression.snapshot() is full
