"""The archive's place in a real bucket with Object Lock: nothing written can be changed or deleted before its time."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from zcc_pipeline.archive.ocfl import ObjectStore, check_object
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.storage import Lock
from zcc_pipeline.archive.storage.s3 import Bucket, Limits, LockMode, S3Access, S3Place, StillLocked
from zcc_pipeline.archive.storage.s3.errors import AccessRefused, ArrivedDamaged
from zcc_pipeline.archive.storage.s3.uploads import put_bytes, put_file
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import ConfigurationError, HostUnreachable
from zcc_pipeline_tests.integration.archive.in_bucket import AUTHOR, ID, LATER, Open, opener
from zcc_pipeline_tests.seaweed import Seaweed

pytestmark = pytest.mark.integration


@pytest.fixture
def opened(seaweed: Seaweed, tmp_path: Path) -> Open:
    return opener(seaweed, tmp_path)


def test_each_version_is_locked_as_long_as_asked_and_the_store_refuses_to_delete_it(opened: Open) -> None:
    one = opened()
    written = one.write(lock=Lock(LATER))
    again = one.write("edited", lock=Lock(LATER))
    assert (written.version, again.version) == (1, 2)
    versions = one.versions()
    assert len(versions) == 8 + 3 + 2, "all files, those of the second version, inventory and sidecar once more"
    for each in versions:
        assert each["ObjectLockMode"] == "GOVERNANCE"
        assert each["ObjectLockRetainUntilDate"] == LATER
        with pytest.raises(ClientError, match="AccessDenied"):
            one.client.delete_object(Bucket=one.bucket.name, Key=each["Key"], VersionId=each["VersionId"])
    with pytest.raises(ClientError, match="AccessDenied"):
        one.shorten(versions[0]["Key"], versions[0]["VersionId"])
    assert list(check_object(one.place, ID)) == []
    assert list(one.store.object_ids()) == [ID]


def test_the_inventory_that_a_later_version_replaced_is_found_again_by_the_name_that_was_returned(opened: Open) -> None:
    one = opened()
    first, second = one.write(), one.write("edited")
    for written in (first, second):
        key = one.bucket.full(f"{object_key(ID)}/inventory.json")
        answer = one.client.get_object(Bucket=one.bucket.name, Key=key, VersionId=written.storage_version)
        assert hashlib.sha512(answer["Body"].read()).hexdigest() == written.inventory_sha512
    assert one.write("edited").is_new_version is False


def test_compliance_and_holds_refuse_removal_with_the_reason_and_nothing_is_removed(opened: Open) -> None:
    one = opened(mode=LockMode.COMPLIANCE)
    one.write(lock=Lock(LATER))
    with pytest.raises(StillLocked, match=f"compliance mode.*{LATER:%Y-%m-%d}"):
        one.store.remove(ID, bypass_governance=True)
    one.store.protect(ID, Lock(is_held=True))
    with pytest.raises(StillLocked, match="legal hold"):
        one.store.remove(ID, bypass_governance=True)
    assert len(one.versions()) == 8
    assert list(check_object(one.place, ID)) == []


def test_governance_is_bypassed_only_where_that_is_asked_for_and_then_every_version_goes(opened: Open) -> None:
    one = opened()
    one.write(lock=Lock(LATER))
    one.write("edited", lock=Lock(LATER))
    with pytest.raises(StillLocked, match="governance mode"):
        one.store.remove(ID)
    assert len(one.versions()) == 13
    one.store.remove(ID, bypass_governance=True)
    assert one.versions() == []
    assert one.store.head(ID) is None


def test_protecting_lengthens_and_holds_every_version_and_never_shortens(opened: Open) -> None:
    one = opened()
    one.write(lock=Lock(LATER))
    longer = LATER + timedelta(days=30)
    one.store.protect(ID, Lock(longer, is_held=True))
    assert {(each["ObjectLockRetainUntilDate"], each["ObjectLockLegalHoldStatus"]) for each in one.versions()} == {
        (longer, "ON")
    }
    one.store.protect(ID, Lock(LATER, is_held=False))
    assert {(each["ObjectLockRetainUntilDate"], each["ObjectLockLegalHoldStatus"]) for each in one.versions()} == {
        (longer, "OFF")
    }


def test_what_nobody_gave_a_date_is_locked_for_the_days_of_the_setting_and_what_has_run_out_is_not(
    opened: Open,
) -> None:
    one = opened(lock_days=10)
    one.write()
    for each in one.versions():
        assert timedelta(days=9) < each["ObjectLockRetainUntilDate"] - datetime.now(UTC) <= timedelta(days=10)
    other = opened()
    other.write(lock=Lock(datetime(2020, 1, 1, tzinfo=UTC)))
    other.store.remove(ID)
    assert other.versions() == []


def test_a_bucket_is_tried_and_called_what_it_is(opened: Open, seaweed: Seaweed) -> None:
    compliant = opened(mode=LockMode.COMPLIANCE).place.worm()
    assert compliant.is_worm
    assert "compliance" in compliant.reason
    admin = opened().place.worm()
    assert not admin.is_worm
    assert "bypass" in admin.reason, "the keys of the test may bypass governance"
    plain = opened(seaweed.new_url()).place
    assert not plain.worm().is_worm
    assert "neither Object Lock nor versioning" in plain.worm().reason
    assert not plain.locks
    none = opened(mode=LockMode.NONE).place.worm()
    assert (none.is_worm, "nothing is locked" in none.reason) == (False, True)


def test_a_lock_that_the_bucket_cannot_keep_is_refused_before_anything_is_written(
    opened: Open, seaweed: Seaweed
) -> None:
    one = opened(seaweed.new_url(), mode=LockMode.COMPLIANCE)
    with pytest.raises(ConfigurationError, match="ZCC_ARCHIVE_LOCK_MODE"):
        one.write()
    assert one.versions() == []


def test_keys_without_the_right_to_lock_are_told_which_right_is_missing(
    opened: Open, seaweed: Seaweed, tmp_path: Path
) -> None:
    url = seaweed.new_locked_url()
    place = S3Place(Bucket(url, seaweed.plain_access), tmp_path / "plain", clock=SystemClock())
    store = ObjectStore(place, clock=SystemClock())
    with pytest.raises(AccessRefused, match="ZCC_S3_ACCESS_KEY_ID") as caught:
        store.write(opened(url).snapshot(), message="test", author=AUTHOR)
    assert "s3:" in str(caught.value)
    assert seaweed.plain_access.secret_access_key not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"secret_access_key": "wrong-secret"}, ConfigurationError, "ZCC_S3_ACCESS_KEY_ID"),
        ({"endpoint_url": "http://127.0.0.1:9"}, HostUnreachable, "ZCC_S3_ENDPOINT_URL"),
    ],
)
def test_what_is_set_wrong_is_named_and_no_secret_is_shown(
    seaweed: Seaweed, tmp_path: Path, changes: dict[str, str], error: type[Exception], words: str
) -> None:
    good = seaweed.access
    values = {name: getattr(good, name) for name in S3Access.__dataclass_fields__} | changes
    place = S3Place(Bucket(seaweed.new_locked_url(), S3Access(**values), attempts=1), tmp_path, clock=SystemClock())
    with pytest.raises(error, match=words) as caught:
        place.read("objects/0=ocfl_1.1")
    assert values["secret_access_key"] not in str(caught.value)
    assert values["secret_access_key"] not in repr(S3Access(**values))


def test_a_bucket_that_does_not_exist_names_the_setting(seaweed: Seaweed, tmp_path: Path) -> None:
    place = S3Place(Bucket("s3://never-made/x", seaweed.access), tmp_path, clock=SystemClock())
    with pytest.raises(ConfigurationError, match=r"ZCC_ARCHIVE_URL.*no such bucket"):
        place.read("objects/0=ocfl_1.1")


def test_bytes_that_are_not_those_that_were_hashed_are_refused(opened: Open, tmp_path: Path) -> None:
    one = opened()
    staged = tmp_path / "staged"
    staged.write_bytes(b"something else")
    with pytest.raises(ArrivedDamaged):
        put_file(one.bucket, "objects/x", staged, digest=hashlib.sha256(b"what it was").digest(), limits=Limits())
    assert one.place.read("objects/x") is None


def test_a_file_in_parts_is_locked_whole_and_carries_its_own_digest(opened: Open) -> None:
    one = opened(limits=Limits(single_put_bytes=1 << 20, part_bytes=5 << 20))
    audio = b"ID3" + bytes(range(256)) * 48_000  # 12 MB: three parts
    one.write(audio=audio, lock=Lock(LATER, is_held=True))
    (large,) = [each for each in one.versions() if each["Key"].endswith("rec.mp3")]
    assert large["ETag"].endswith('-3"')
    assert large["Metadata"]["sha256"] == hashlib.sha256(audio).hexdigest()
    assert (large["ObjectLockMode"], large["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", LATER)
    assert large["ObjectLockLegalHoldStatus"] == "ON"
    assert list(check_object(one.place, ID)) == []
    assert one.client.list_multipart_uploads(Bucket=one.bucket.name, Prefix=one.bucket.prefix).get("Uploads", []) == []


def test_a_file_in_parts_that_is_not_what_was_hashed_leaves_no_object(opened: Open, tmp_path: Path) -> None:
    one = opened()
    staged = tmp_path / "staged"
    staged.write_bytes(bytes(6 << 20))
    limits = Limits(single_put_bytes=1 << 20, part_bytes=5 << 20)
    with pytest.raises(ArrivedDamaged):
        put_file(one.bucket, "objects/x", staged, digest=hashlib.sha256(b"what it was").digest(), limits=limits)
    assert one.place.read("objects/x") is None
    assert one.client.list_multipart_uploads(Bucket=one.bucket.name, Prefix=one.bucket.prefix).get("Uploads", []) == []


def test_what_is_overwritten_or_hidden_behind_the_archives_back_is_found_and_the_original_is_still_there(
    opened: Open,
) -> None:
    one = opened()
    one.write(lock=Lock(LATER))
    notes, audio = (one.bucket.full(f"{object_key(ID)}/v1/content/{name}") for name in ("notes.json", "rec.mp3"))
    one.client.put_object(Bucket=one.bucket.name, Key=notes, Body=b"altered")
    one.client.delete_object(Bucket=one.bucket.name, Key=audio)
    assert [(each.path, each.text.partition(":")[0]) for each in check_object(one.place, ID)] == [
        ("v1/content/notes.json", "is not what was archived"),
        ("v1/content/rec.mp3", "is missing"),
    ]
    originals = [one.head(each["Key"], each["VersionId"]) for each in one.versions() if each["Key"] == notes]
    assert len(originals) == 2


def test_setting_aside_copies_and_hides_and_folders_are_listed(opened: Open) -> None:
    one = opened()
    one.place.replace("index/a.parquet", b"a")
    one.place.replace("completeness/2026/b.json", b"b")
    one.place.set_aside("index/a.parquet")
    assert one.place.read("index/a.parquet") is None
    (kept,) = one.place.keys("quarantine")
    assert one.place.read(kept) == b"a"
    assert list(one.place.folders("completeness")) == ["2026"]
    assert one.place.is_there()
    assert put_bytes(one.bucket, "index/a.parquet", b"again") == one.place.version_id("index/a.parquet")
