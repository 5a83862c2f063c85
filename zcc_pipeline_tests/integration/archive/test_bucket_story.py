"""The archive in a bucket, from export to restore, as the commands do it."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ocfl
import pytest
from typer.testing import CliRunner, Result

from zcc_pipeline.archive.ledger import Action
from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.retention import lapses_at
from zcc_pipeline.archive.storage.s3 import S3Place, StillLocked
from zcc_pipeline.cli.main import app
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.pipeline.archiving import archive_changes
from zcc_pipeline.pipeline.doctor import Verdict, examine_machine
from zcc_pipeline_tests.integration.archive.small_home import MADE, MONDAY, land, make_home, opened, publish
from zcc_pipeline_tests.seaweed import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, Seaweed

pytestmark = [pytest.mark.integration, pytest.mark.slow]


class InBucket:
    """A small home whose archive, ledger and copies of checkpoints lie in one bucket."""

    def __init__(self, seaweed: Seaweed, home: Path, url: str) -> None:
        self.home, self.client = home, seaweed.client()
        self.bucket, _, self.prefix = url.removeprefix("s3://").partition("/")

    def zcc(self, *arguments: str, code: int = 0) -> Result:
        found = CliRunner().invoke(app, ["--traceback", *arguments], catch_exceptions=False, env={"COLUMNS": "160"})
        assert found.exit_code == code, found.output
        return found

    def export(self, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.zcc("archive", "export", "--json", code=code).stdout)
        return found

    def verify(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.zcc("archive", "verify", "--json", *arguments, code=code).stdout)
        return found

    def folder(self, engagement_id: str) -> str:
        return f"{self.prefix}/{object_key(object_id_of('account', engagement_id))}"

    def versions(self, prefix: str) -> list[dict[str, Any]]:
        found = self.client.list_object_versions(Bucket=self.bucket, Prefix=prefix).get("Versions", [])
        return [
            each | self.client.head_object(Bucket=self.bucket, Key=each["Key"], VersionId=each["VersionId"])
            for each in found
        ]

    def sync_down(self, to: Path) -> Path:
        """As ``aws s3 sync`` does."""
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix):
            for each in page["Contents"]:
                path = to / each["Key"].removeprefix(f"{self.prefix}/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.client.get_object(Bucket=self.bucket, Key=each["Key"])["Body"].read())
        return to


@pytest.fixture
def one(seaweed: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InBucket:
    home, url = make_home(tmp_path, monkeypatch), seaweed.new_locked_url()
    for name, value in {
        "ZCC_ARCHIVE_URL": f"{url}/archive",
        "ZCC_ARCHIVE_WITNESS_URL": f"{url}/witness",
        "ZCC_S3_ENDPOINT_URL": seaweed.endpoint_url,
        "ZCC_S3_REGION": REGION,
        "ZCC_S3_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ZCC_S3_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    }.items():
        monkeypatch.setenv(name, value)
    return InBucket(seaweed, home, f"{url}/archive")


def test_export_again_verify_damage_and_restore(one: InBucket, tmp_path: Path) -> None:
    first = one.export()
    assert (first["objects_created"], first["refused"], first["without_witness"]) == (3, [], [])
    assert first["storage"] == {
        "is_worm": False,
        "reason": "Object Lock in governance mode, and these keys themselves may bypass it: take "
        "s3:BypassGovernanceRetention from them",
    }
    before = {each["Key"]: each["VersionId"] for each in one.versions(f"{one.prefix}/objects/")}
    again = one.export()
    assert (again["objects_created"], again["versions_added"], again["bytes_written"]) == (0, 0, 0)
    assert {each["Key"]: each["VersionId"] for each in one.versions(f"{one.prefix}/objects/")} == before

    assert one.verify()["result"] == "clean"
    root = ocfl.StorageRoot(str(one.sync_down(tmp_path / "down") / "objects"))
    assert root.validate()
    assert root.good_objects == 3

    key = f"{one.folder('eng-1')}/v1/content/engagement.json"
    one.client.put_object(Bucket=one.bucket, Key=key, Body=b"{}")
    found = one.verify(code=1)
    assert [each["area"] for each in found["first_findings"]] == ["object", "storage lock"]
    assert all("eng-1" in each["where"] for each in found["first_findings"])
    (original,) = [each for each in one.versions(key) if each["VersionId"] == before[key]]
    one.client.copy_object(
        Bucket=one.bucket, Key=key, CopySource={"Bucket": one.bucket, "Key": key, "VersionId": original["VersionId"]}
    )
    one.zcc("archive", "lock")
    assert one.verify()["result"] == "clean", "the original is copied over what had hidden it, and locked like it"

    shutil.rmtree(one.home / "lake")
    restored = json.loads(one.zcc("archive", "restore", "--json").stdout)
    assert restored["records_restored"] == 3
    with opened() as runtime:
        assert runtime.lake.latest("zoom/engagements", MONDAY, MONDAY).num_rows == 2


def test_the_locks_are_those_of_the_retention_file_from_the_first_byte_on_and_follow_the_ledger(one: InBucket) -> None:
    one.export()
    with opened() as runtime:
        kept = {logged.entry.object_id: logged.entry for logged in runtime.archive.ledger.entries()
                if logged.entry.action == Action.EXTEND}  # fmt: skip
        created = {logged.entry.object_id: logged.entry for logged in runtime.archive.ledger.entries()
                   if logged.entry.action == Action.CREATE}  # fmt: skip
    for name in ("eng-1", "eng-2"):
        entry = kept[object_id_of("account", name)]
        assert entry.retain_until is not None
        versions = one.versions(one.folder(name) + "/")
        assert {each["ObjectLockRetainUntilDate"] for each in versions} == {lapses_at(entry.retain_until)}
        stored_as = created[object_id_of("account", name)].storage_version
        (inventory,) = [each for each in versions if each["Key"].endswith("E/inventory.json".replace("E", name))]
        assert inventory["VersionId"] == stored_as
        assert created[object_id_of("account", name)].inventory_sha512 == _sha512(one, inventory)
    assert all("ObjectLockMode" not in each for each in one.versions(one.folder("eng-3") + "/")), "it has run out"
    publish(one.home, MADE | {"eng-1": MADE["eng-1"] | {"queue_ids": ["q-trading"]}})
    report = one.export()
    assert report["retention"]["extended"] == 1
    later = {each["ObjectLockRetainUntilDate"] for each in one.versions(one.folder("eng-1") + "/")}
    with opened() as runtime:
        entries = [logged.entry for logged in runtime.archive.ledger.entries()]
    of_it = [entry for entry in entries if entry.object_id == object_id_of("account", "eng-1")]
    promised = [entry.retain_until for entry in of_it if entry.retain_until]
    assert later == {lapses_at(promised[-1])}
    ledger = one.versions(f"{one.prefix}/ledger/tile/")
    assert min(each["ObjectLockRetainUntilDate"] for each in ledger) > datetime.now(UTC) + timedelta(days=6 * 365)
    assert all("ObjectLockMode" not in each for each in one.versions(f"{one.prefix}/index/")), "made anew at any time"


def test_a_hold_is_one_of_the_storage_also_for_what_comes_later_and_ends_with_the_last_matter(one: InBucket) -> None:
    one.export()
    day = ("--from", str(MONDAY), "--to", str(MONDAY), "--actor", "legal")

    def held(name: str) -> set[str]:
        return {each.get("ObjectLockLegalHoldStatus", "OFF") for each in one.versions(one.folder(name) + "/")}

    one.zcc("archive", "hold", "--matter", "2026-1", *day)
    one.zcc("archive", "hold", "--matter", "2026-2", "--engagement", "eng-1", "--actor", "legal")
    with opened() as runtime:
        land(runtime, "eng-4", MONDAY)
    one.export()
    assert [held(f"eng-{number}") for number in (1, 2, 3, 4)] == [{"ON"}, {"ON"}, {"OFF"}, {"ON"}]
    with opened() as runtime, pytest.raises(StillLocked, match="legal hold"):
        runtime.archive.objects.remove(object_id_of("account", "eng-2"), bypass_governance=True)
    one.zcc("archive", "release", "--matter", "2026-1", *day, "--yes")
    assert [held(f"eng-{number}") for number in (1, 2, 3, 4)] == [{"ON"}, {"OFF"}, {"OFF"}, {"OFF"}]
    one.zcc("archive", "release", "--matter", "2026-2", "--all", "--actor", "legal", "--yes")
    assert held("eng-1") == {"OFF"}
    assert one.verify()["result"] == "clean"


def test_a_lock_that_is_missing_or_shorter_than_the_ledgers_promise_is_found_and_set_again(one: InBucket) -> None:
    one.export()
    one.zcc("archive", "hold", "--matter", "2026-1", "--actor", "legal", "--engagement", "eng-2")
    clean = one.verify()
    assert (clean["result"], clean["counts"]["locked"]) == ("clean", 3)

    audio, shown = (next(each for each in one.versions(one.folder(name)) if each["Key"].endswith(file))
                    for name, file in (("eng-1", "engagement.json"), ("eng-2", "inventory.json.sha512")))  # fmt: skip
    soon = datetime.now(UTC) + timedelta(days=1)
    one.client.put_object_retention(
        Bucket=one.bucket, Key=audio["Key"], VersionId=audio["VersionId"], BypassGovernanceRetention=True,
        Retention={"Mode": "GOVERNANCE", "RetainUntilDate": soon},
    )  # fmt: skip
    one.client.put_object_legal_hold(
        Bucket=one.bucket, Key=shown["Key"], VersionId=shown["VersionId"], LegalHold={"Status": "OFF"}
    )
    inventory = f"{one.folder('eng-1')}/inventory.json"
    one.client.put_object(  # as somebody does who copies an archive into a bucket
        Bucket=one.bucket, Key=inventory, Body=one.client.get_object(Bucket=one.bucket, Key=inventory)["Body"].read()
    )
    found = one.verify(code=1)["first_findings"]
    assert {each["area"] for each in found} == {"storage lock"}
    said = {(each["where"].rpartition(":")[2], each["path"].rpartition("/")[2]): each["text"] for each in found}
    assert len(said) == len(found) == 3
    assert "is not locked, and the ledger promises it until" in said["eng-1", "inventory.json"]
    assert "is locked only until" in said["eng-1", "engagement.json"]
    assert "has no legal hold" in said["eng-2", "inventory.json.sha512"]
    assert json.loads(one.zcc("archive", "lock", "--json").stdout) == {"objects": 3}
    assert one.verify()["result"] == "clean"


def test_a_package_and_the_list_of_what_is_kept_come_from_the_bucket(one: InBucket, tmp_path: Path) -> None:
    one.export()
    one.zcc(
        "archive",
        "package",
        "--matter",
        "2026-17",
        "--engagement",
        "eng-1",
        "--to-folder",
        str(tmp_path / "bag"),
        code=0,
    )
    assert (tmp_path / "bag" / "manifest-sha512.txt").is_file()
    assert len(json.loads(one.zcc("archive", "retention", "--json").stdout)) > 0


def test_a_kill_between_the_objects_and_the_ledger_is_gone_on_from(
    one: InBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    publish_it = S3Place.publish

    def dying(place: S3Place, *arguments: Any, **options: Any) -> str | None:
        publish_it(place, *arguments, **options)
        raise Killed

    with monkeypatch.context() as patched, opened() as runtime:
        patched.setattr(S3Place, "publish", dying)
        with pytest.raises(Killed):
            archive_changes(runtime)
    report = one.export()
    assert (report["objects_created"] + report["healed"], report["versions_added"]) == (3, 0)
    assert one.verify()["result"] == "clean"
    with opened() as runtime:
        entries = [logged.entry for logged in runtime.archive.ledger.entries() if logged.entry.action == Action.CREATE]
        assert len(entries) == 3
        assert all(entry.storage_version for entry in entries)

    with monkeypatch.context() as patched, opened() as runtime:
        land(runtime, "eng-1", MONDAY, direction="inbound")
        patched.setattr(S3Place, "publish", dying)
        with pytest.raises(Killed):
            archive_changes(runtime)
    assert (one.export()["healed"], one.verify()["result"]) == (1, "clean"), (
        "the second version is locked like the first"
    )


def test_a_purge_leaves_no_version_of_what_is_over_and_refuses_what_the_bucket_still_keeps(
    one: InBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCC_ARCHIVE_LOCK_MODE", "compliance")
    one.export()
    done = json.loads(one.zcc("archive", "purge", "--engagement", "eng-3", "--yes", "--json").stdout)
    assert done["is_clean"]
    everything = one.client.list_object_versions(Bucket=one.bucket, Prefix=one.folder("eng-3"))
    assert (everything.get("Versions", []), everything.get("DeleteMarkers", [])) == ([], [])
    with opened() as runtime, pytest.raises(StillLocked, match="compliance mode"):
        runtime.archive.objects.remove(object_id_of("account", "eng-1"), bypass_governance=True)
    assert len(one.versions(one.folder("eng-1"))) > 0
    assert one.export()["objects_created"] == 0
    assert one.verify()["result"] == "clean"


def test_doctor_tries_the_bucket_and_says_what_it_is(one: InBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def archive_line() -> tuple[Verdict, str]:
        with opened() as runtime:
            (found,) = [each for each in examine_machine(runtime) if each.topic == "archive"]
        return found.verdict, found.text

    assert archive_line()[0] is Verdict.WARNING
    monkeypatch.setenv("ZCC_ARCHIVE_LOCK_MODE", "compliance")
    assert archive_line() == (
        Verdict.OK,
        "WORM: Object Lock in compliance mode: a locked version could not be deleted",
    )
    monkeypatch.setenv("ZCC_ARCHIVE_URL", "s3://never-made/archive")
    verdict, text = archive_line()
    assert verdict is Verdict.PROBLEM
    assert "no such bucket" in text


def test_a_lock_that_the_bucket_has_not_stops_the_export_before_anything_is_written(
    one: InBucket, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCC_ARCHIVE_URL", seaweed.new_url())
    monkeypatch.setenv("ZCC_ARCHIVE_LOCK_MODE", "governance")
    with opened() as runtime, pytest.raises(ConfigurationError, match="ZCC_ARCHIVE_LOCK_MODE"):
        archive_changes(runtime)
    monkeypatch.delenv("ZCC_ARCHIVE_LOCK_MODE")
    assert "neither Object Lock nor versioning" in one.export()["storage"]["reason"]


def _sha512(one: InBucket, version: dict[str, Any]) -> str:
    answer = one.client.get_object(Bucket=one.bucket, Key=version["Key"], VersionId=version["VersionId"])
    return hashlib.sha512(answer["Body"].read()).hexdigest()
