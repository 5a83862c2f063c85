"""Profile, version of the project, phone numbers, error texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.warehouse import Marts, WarehouseConfig, WarehouseS3
from zcc_pipeline.warehouse.build import plain
from zcc_pipeline.warehouse.dbt_plugin import to_e164
from zcc_pipeline.warehouse.project import project_dir, project_version, write_profile


def config_at(home: Path, **changes: object) -> WarehouseConfig:
    return WarehouseConfig(home / "w.duckdb", home / "a.duckdb", "file:///somewhere/lake/", home / "dbt", **changes)  # type: ignore[arg-type]


def test_the_lake_root_is_what_duckdb_can_glob(tmp_path: Path) -> None:
    assert config_at(tmp_path).lake_root == "/somewhere/lake"


def test_the_profile_holds_no_secrets_and_is_written_only_when_it_changes(tmp_path: Path) -> None:
    s3 = WarehouseS3("https://s3.example.com", "eu-central-1", "key-id", "very-secret")
    config = config_at(tmp_path, s3=s3)
    path = write_profile(config) / "profiles.yml"
    first = path.stat().st_mtime_ns
    write_profile(config)
    assert path.stat().st_mtime_ns == first
    assert "secret" not in path.read_text()
    assert "very-secret" not in repr(config)
    output = json.loads(path.read_text())["zcc_pipeline"]["outputs"]["warehouse"]
    assert output["config_options"]["autoinstall_known_extensions"] == "false"
    write_profile(config_at(tmp_path, memory_limit="2GB"))
    assert path.stat().st_mtime_ns != first


def test_the_version_of_the_project_follows_every_file_that_decides_what_is_built(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    model = tmp_path / "models" / "one.sql"
    model.write_text("select 1")
    version = project_version(tmp_path)
    (tmp_path / "notes.md").write_text("not part of it")
    assert project_version(tmp_path) == version
    model.write_text("select 2")
    assert project_version(tmp_path) != version
    model.rename(tmp_path / "models" / "two.sql")
    model.with_name("two.sql").write_text("select 1")
    assert project_version(tmp_path) != version


def test_the_project_is_found(tmp_path: Path) -> None:
    assert (project_dir() / "dbt_project.yml").is_file()


@pytest.mark.parametrize(
    "spelled", ["+12055550101", "(205) 555-0101", "205-555-0101", "+1 205-555-0101", "1 205 555 0101"]
)
def test_one_number_spelled_five_ways_is_one_number(spelled: str) -> None:
    assert to_e164(spelled, "US") == "+12055550101"


@pytest.mark.parametrize("nobody", ["1001", "anonymous", "", "911", "+", "restricted 7"])
def test_what_cannot_be_a_number_identifies_nobody(nobody: str) -> None:
    assert to_e164(nobody, "US") is None


def test_a_number_without_country_belongs_to_the_accounts_region() -> None:
    assert to_e164("030 5550101", "DE") == "+49305550101"


def test_an_error_text_keeps_names_and_loses_the_values_a_conversion_quotes() -> None:
    assert "jane@example.com" not in plain("Conversion Error: Could not convert string 'jane@example.com' to INT64")
    assert 'Table "x" does not exist' in plain('Catalog Error: Table "x"\n  does not exist')


def test_marts_say_how_to_get_an_analysts_copy_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ZCC_ANALYTICS_PATH: there is no analysts' copy"):
        Marts(tmp_path / "analytics.duckdb").names()
