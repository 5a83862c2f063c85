"""A demo keeps to homes of its own, and real data keeps out of them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from zcc_pipeline.cli.demo_home import DemoAccount, claim, demo_environment, read_marker, refuse_to_mix
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.settings import PREFIX, Settings, load_settings

ACCOUNT = DemoAccount(seed=7, engagements_per_day=40, timezone="UTC", first_day="2026-11-19")


def settings_of(home: Path, **others: str) -> Settings:
    return load_settings({"ZCC_HOME": str(home), **others}, dotenv=home / "no.env")


def test_an_empty_home_is_claimed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    claimed = claim(home, ACCOUNT)
    assert read_marker(home) == claimed
    assert (claimed.seed, claimed.first_day) == (ACCOUNT.seed, ACCOUNT.first_day)


@pytest.mark.parametrize("kept", ["state.sqlite", "warehouse.duckdb"])
def test_a_home_with_real_data_is_refused_and_left_alone(tmp_path: Path, kept: str) -> None:
    (tmp_path / kept).write_text("precious")
    with pytest.raises(ConfigurationError, match="data that no demo made"):
        claim(tmp_path, ACCOUNT)
    assert [path.name for path in tmp_path.iterdir()] == [kept]


def test_a_later_demo_keeps_the_first_day_of_the_earlier_one(tmp_path: Path) -> None:
    claim(tmp_path, ACCOUNT)
    later = DemoAccount(7, 40, "UTC", "2026-11-25")
    assert claim(tmp_path, later).first_day == "2026-11-19"
    longer = DemoAccount(7, 40, "UTC", "2026-11-01")
    assert claim(tmp_path, longer).first_day == "2026-11-01"


def test_the_stand_in_comes_back_at_the_same_address(tmp_path: Path) -> None:
    first = claim(tmp_path, ACCOUNT)
    assert first.port > 0
    assert claim(tmp_path, ACCOUNT).port == first.port


def test_an_address_that_somebody_else_has_taken_is_left_to_them(tmp_path: Path) -> None:
    first = claim(tmp_path, ACCOUNT)
    with socket.socket() as other:
        other.bind(("127.0.0.1", first.port))
        other.listen()
        assert claim(tmp_path, ACCOUNT).port not in {0, first.port}


@pytest.mark.parametrize(
    "other",
    [
        DemoAccount(8, 40, "UTC", "2026-11-19"),
        DemoAccount(7, 41, "UTC", "2026-11-19"),
        DemoAccount(7, 40, "Europe/Berlin", "2026-11-19"),
    ],
)
def test_another_demo_account_is_refused(tmp_path: Path, other: DemoAccount) -> None:
    claim(tmp_path, ACCOUNT)
    with pytest.raises(ConfigurationError, match="demo account of seed 7 with 40 engagements a day"):
        claim(tmp_path, other)


def test_a_marker_that_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text("{")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        claim(tmp_path, ACCOUNT)


def test_real_data_is_refused_in_a_demo_home(tmp_path: Path) -> None:
    claim(tmp_path, ACCOUNT)
    with pytest.raises(ConfigurationError, match="demo's invented account"):
        refuse_to_mix(settings_of(tmp_path))
    refuse_to_mix(settings_of(tmp_path, ZCC_ZOOM_API_URL="http://127.0.0.1:1/v2"))


def test_any_home_that_is_no_demos_takes_real_data(tmp_path: Path) -> None:
    refuse_to_mix(settings_of(tmp_path))


def test_a_demo_uses_nothing_of_the_real_settings(tmp_path: Path) -> None:
    real = settings_of(
        tmp_path, ZCC_STATE_URL="postgresql://real/zcc", ZCC_LAKE_URL="s3://real/lake", ZCC_ZOOM_ACCOUNT_ID="real"
    )
    dotenv = tmp_path / ".env"
    dotenv.write_text("ZCC_STATE_URL=postgresql://real/zcc\nZCC_LAKE_URL=s3://real/lake\nZCC_S3_REGION=real\n")
    environment = demo_environment(real, ACCOUNT, {"ZCC_ZOOM_API_URL": "http://127.0.0.1:1/v2"})
    assert set(environment) == {PREFIX + name.upper() for name in Settings.model_fields}
    demo = load_settings(environment, dotenv=dotenv)
    assert "real" not in repr(demo).replace(str(tmp_path), "")
    assert demo.state_url is None
    assert demo.home == real.home
    assert str(demo.start_date) == ACCOUNT.first_day
