"""The lock, a killed build, an empty lake, readers, object storage: what must not happen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from obstore.store import S3Store

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.warehouse import Marts, Warehouse, WarehouseBusy, WarehouseConfig, WarehouseS3
from zcc_pipeline.warehouse.build import BuildResult
from zcc_pipeline.warehouse.dbt import DbtProcess
from zcc_pipeline.warehouse.project import project_dir
from zcc_pipeline_tests.integration.warehouse.lake_files import LakeFiles, hours, note
from zcc_pipeline_tests.parsed_project import give_parsed_project, parsed_home
from zcc_pipeline_tests.seaweed import running_seaweed

pytestmark = [pytest.mark.integration]

WITHOUT_UNIT_TESTS = "--exclude-resource-type=unit_test"

_BUILD = """
import sys
from pathlib import Path
from zcc_pipeline.warehouse import Warehouse, WarehouseConfig
home = Path(sys.argv[1])
paths = home / "warehouse.duckdb", home / "analytics.duckdb", str(home / "lake"), home / "dbt"
warehouse = Warehouse(WarehouseConfig(*paths))
warehouse.get_ready()
warehouse.build()
"""

# reads all the time, also while others build and publish, and says on demand what it sees
_READER = """
import json, select, sys
import duckdb
with duckdb.connect(sys.argv[1], read_only=True) as held:
    while True:
        row = held.execute("select count(*), max(note_count) from engagements").fetchone()
        if select.select([sys.stdin], [], [], 0.05)[0]:
            if not sys.stdin.readline():
                break
            print(json.dumps(row), flush=True)
"""


def config_at(home: Path) -> WarehouseConfig:
    return WarehouseConfig(home / "warehouse.duckdb", home / "analytics.duckdb", str(home / "lake"), home / "dbt")


@pytest.fixture(scope="module")
def first_build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BuildResult]:
    """A home whose first build ran on a lake without a single file. The models' unit tests, which a build leaves out,
    run along: a process of dbt's for them alone would cost as much again.
    """
    home = tmp_path_factory.mktemp("safety")
    give_parsed_project(home)
    run = DbtProcess.run

    def run_with_unit_tests(dbt: DbtProcess, arguments: Sequence[str], **more: Any) -> dict[str, Any]:
        assert WITHOUT_UNIT_TESTS in arguments
        return run(dbt, [each for each in arguments if each != WITHOUT_UNIT_TESTS], **more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DbtProcess, "run", run_with_unit_tests)
        return home, Warehouse(config_at(home)).build()


@pytest.fixture(scope="module")
def home(first_build: tuple[Path, BuildResult]) -> Path:
    home, result = first_build
    assert {node.status for node in result.nodes} == {"success", "pass"}
    assert (result.files_loaded, result.engagements_touched) == (0, 0)
    return home


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def _wait_for(condition: Callable[[], object], seconds: float = 180.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


@pytest.mark.slow
def test_a_killed_build_frees_the_lock_dies_whole_and_the_next_one_converges(home: Path) -> None:
    lake = LakeFiles(home / "lake")
    for number in range(20):
        lake.engagement(f"k{number}", as_of=hours(number))
    warehouse_path = home / "warehouse.duckdb"
    wal = warehouse_path.with_name("warehouse.duckdb.wal")
    with subprocess.Popen([sys.executable, "-c", _BUILD, str(home)]) as parent:
        _wait_for(lambda: parent.poll() is not None or (_children(parent.pid) and _size(wal) > 0))
        time.sleep(0.5)  # some models further
        assert parent.poll() is None, "the build ended before it could be killed"
        children = _children(parent.pid)
        parent.kill()
    assert children
    _wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    result = Warehouse(config_at(home), lock_wait_seconds=20).build()
    assert not [node for node in result.nodes if node.status not in {"success", "pass"}]
    with duckdb.connect(str(warehouse_path), read_only=True) as connection:
        assert connection.execute(
            "select count(*), count(distinct engagement_id) from marts.engagements"
        ).fetchone() == (20, 20)
        assert connection.execute("select sum(engagements) from marts.agent_daily").fetchone() == (20,)
        loaded = connection.execute("select count(*), count(distinct file) from bookkeeping.loaded_files").fetchone()
    assert loaded == (20, 20)


@pytest.mark.slow
def test_a_model_that_is_written_in_parts_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    give_parsed_project(tmp_path)
    lake = LakeFiles(tmp_path / "lake")
    for number in range(8):
        lake.engagement(f"k{number}", as_of=hours(number))
    config = replace(config_at(tmp_path), engagements_at_once=2)
    Warehouse(config).build()
    with duckdb.connect(str(config.warehouse_path)) as connection:
        connection.execute("update marts.crm_activities set duration_seconds = engagement_id[2:]::int")
        connection.execute("create unique index no_two on marts.crm_activities (duration_seconds)")
        # all are written again, two at a time; what the last two bring cannot stay beside what the first two brought
        connection.execute(
            "update marts.engagements set _load_seq = 100, duration_seconds = 100 + engagement_id[2:]::int"
        )
        connection.execute("update marts.engagements set started_at = '2050-12-30' where engagement_id = 'k7'")
        connection.execute("update marts.engagements set duration_seconds = 777 where engagement_id in ('k0', 'k7')")
        before = connection.execute("from marts.crm_activities order by engagement_id").fetchall()
    with pytest.raises(PermanentError, match="crm_activities"):
        Warehouse(config).build()
    with duckdb.connect(str(config.warehouse_path), read_only=True) as connection:
        assert connection.execute("from marts.crm_activities order by engagement_id").fetchall() == before


@pytest.mark.slow
def test_a_second_process_waits_for_the_lock_and_then_names_its_holder(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from zcc_pipeline.domain.clock import SystemClock\n"
        "from zcc_pipeline.warehouse.lock import warehouse_lock\n"
        "with warehouse_lock(Path(sys.argv[1]), purpose='a long backfill', clock=SystemClock(), wait_seconds=5):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(home / "warehouse.duckdb")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(WarehouseBusy, match=rf"process {holder.pid} \(a long backfill, since .*waited 0\.3 s"),
            Warehouse(config_at(home), lock_wait_seconds=0.3).lock("test"),
        ):
            pass
        holder.kill()
    with Warehouse(config_at(home), lock_wait_seconds=5).lock("test"):
        assert json.loads((home / "warehouse.duckdb.lock").read_text())["pid"] == os.getpid()


@pytest.mark.slow
def test_a_reader_held_open_through_ten_builds_never_fails(home: Path) -> None:
    warehouse, analytics = Warehouse(config_at(home)), home / "analytics.duckdb"
    lake = LakeFiles(home / "lake", landings=1000)

    def land_and_build(number: int) -> int:
        text = note(f"n{number}", "said", modified=hours(number))
        lake.engagement(f"r{number}", as_of=hours(number), notes=[text])
        assert warehouse.build().files_loaded > 0
        warehouse.publish()
        return len(Marts(analytics).engagements())

    first = land_and_build(0)
    with subprocess.Popen(
        [sys.executable, "-c", _READER, str(analytics)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for number in range(1, 11):
            assert land_and_build(number) == first + number
            print("what is there?", file=reader.stdin, flush=True)
            assert json.loads(reader.stdout.readline()) == [first, 1]
        reader.stdin.close()
        assert reader.wait() == 0
    assert [path.name for path in home.glob("analytics.duckdb*")] == ["analytics.duckdb"]


@pytest.mark.slow
def test_a_model_that_cannot_be_built_is_named_without_the_values_it_choked_on(home: Path) -> None:
    lake = LakeFiles(home / "lake")
    folder = home / "lake" / "zoom" / "flows" / "date=2026-11-02"
    folder.mkdir(parents=True)
    broken = folder / "broken.parquet"
    broken.write_bytes(b"PAR1 this is no parquet file: jane.doe@example.com PAR1")
    with pytest.raises(PermanentError, match="base_zoom__flows") as caught:
        Warehouse(config_at(home)).build(select="base_zoom__flows")
    assert "jane.doe" not in str(caught.value)
    broken.unlink()
    lake.land("flows", "f1", {"flow_id": "f1", "flow_name": "Main"}, as_of=hours(0))
    result = Warehouse(config_at(home)).build(select="base_zoom__flows")
    assert [(node.name, node.status, node.rows) for node in result.nodes] == [("base_zoom__flows", "success", 1)]


@pytest.mark.slow
def test_a_lake_in_a_bucket_is_read_without_any_download_of_an_extension(tmp_path: Path) -> None:
    files = LakeFiles(tmp_path / "files")
    files.engagement("e1", as_of=hours(0))
    with running_seaweed(tmp_path) as server:
        url = server.new_url()
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        store = S3Store(
            bucket,
            prefix=f"{prefix}/lake",
            endpoint=server.endpoint_url,
            region=server.options.region,
            access_key_id=server.options.access_key_id,
            secret_access_key=server.options.secret_access_key,
            client_options={"allow_http": True},
        )
        for path in files.written:
            store.put(path.relative_to(files.root).as_posix(), path.read_bytes())
        options = server.options
        s3 = WarehouseS3(options.endpoint_url, options.region, options.access_key_id, options.secret_access_key)
        config = WarehouseConfig(
            tmp_path / "warehouse.duckdb", tmp_path / "analytics.duckdb", f"{url}/lake", tmp_path / "dbt", s3=s3
        )
        result = Warehouse(config).build(select="+stg_zoom__engagements")
    assert result.files_loaded == 1
    assert result.days_touched == ("2026-11-02",)
    assert "test-secret-key" not in (tmp_path / "dbt" / "profiles.yml").read_text()


@pytest.mark.usefixtures("home")
def test_an_empty_lake_makes_all_models_and_their_tests_and_unit_tests_pass(
    first_build: tuple[Path, BuildResult],
) -> None:
    kinds = Counter(node.resource_type for node in first_build[1].nodes)
    written = [yaml.safe_load(path.read_text())["unit_tests"] for path in project_dir().rglob("*_unit_tests.yml")]
    assert set(kinds) == {"model", "test", "unit_test"}
    assert kinds["unit_test"] == sum(map(len, written)) > 0


def test_the_manifest_is_parsed_once_and_the_checkout_stays_clean() -> None:
    warehouse = Warehouse(config_at(parsed_home()))
    path = warehouse.manifest_path()
    stamp = path.stat().st_mtime_ns
    assert warehouse.manifest_path().stat().st_mtime_ns == stamp
    manifest = json.loads(path.read_text())
    models = [
        node for node in manifest["nodes"].values() if node["resource_type"] == "model" and node["schema"] == "marts"
    ]
    assert all(model["description"] for model in models)
    assert all(column["description"] for model in models for column in model["columns"].values())
    left = [path.name for path in project_dir().iterdir()]
    assert not {"target", "logs", "dbt_packages", ".user.yml"} & set(left)


@pytest.mark.slow
def test_a_project_that_dbt_cannot_read_is_a_clear_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = home / "broken_project"
    shutil.copytree(project_dir(), broken)
    (broken / "models" / "marts" / "core" / "agents.sql").write_text("select {{ ref('no_such_model') }}\n")
    monkeypatch.setattr("zcc_pipeline.warehouse.manifest.project_dir", lambda: broken)
    with pytest.raises(PermanentError, match=r"dbt cannot read its project.*no_such_model"):
        Warehouse(config_at(home)).manifest_path()
