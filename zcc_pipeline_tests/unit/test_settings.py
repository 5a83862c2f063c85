"""Settings: where they come from, and how an error speaks of them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.settings import PREFIX, Settings, default_start_date, load_settings, open_runtime, pipeline_config

NO_FILE = Path("/nonexistent/.env")
CREDENTIALS = {
    "ZCC_ZOOM_ACCOUNT_ID": "account",
    "ZCC_ZOOM_CLIENT_ID": "client",
    "ZCC_ZOOM_CLIENT_SECRET": "hush-hush",
}


def load(**environment: str) -> Settings:
    return load_settings(environment, dotenv=NO_FILE)


def complaint(**environment: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(**environment)
    return str(caught.value)


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    settings = load()
    assert settings.home == Path("zcc_data").absolute()
    assert settings.timezone == "UTC"
    assert settings.lookback_days == 7
    assert settings.deep_lookback_days == 35
    assert settings.zoom_plan == "pro"
    assert settings.zoom_rate_share == 0.8
    assert settings.zoom_download_hosts == ("zoom.us",)
    assert settings.zoom_api_url == "https://api.zoom.us/v2"


def test_the_environment_wins_over_the_dotenv_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("ZCC_TIMEZONE=Europe/Berlin\nZCC_LOOKBACK_DAYS=3\nOTHER=1\n")
    settings = load_settings({"ZCC_LOOKBACK_DAYS": "5"}, dotenv=dotenv)
    assert (settings.timezone, settings.lookback_days) == ("Europe/Berlin", 5)


def test_an_empty_variable_means_the_default_even_where_dotenv_has_a_value(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("ZCC_STATE_URL=postgresql://somewhere/else\nZCC_LAKE_URL=s3://bucket/lake\n")
    settings = load_settings({"ZCC_STATE_URL": "", "ZCC_LAKE_URL": ""}, dotenv=dotenv)
    assert settings.state_url is None
    assert settings.lake_url is None


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file\n")
    settings = load(ZCC_ZOOM_CLIENT_SECRET_FILE=str(secret))
    assert settings.zoom_client_secret is not None
    assert settings.zoom_client_secret.get_secret_value() == "from-a-file"


@pytest.mark.parametrize(
    ("environment", "dotenv", "found"),
    [
        ({"_FILE": "file"}, {"": ""}, "from-a-file"),
        ({"_FILE": "file"}, {"": "old"}, "from-a-file"),
        ({"_FILE": "file"}, {"_FILE": "absent"}, "from-a-file"),
        ({"": "new", "_FILE": "absent"}, {}, "new"),
        ({"": "", "_FILE": "file"}, {}, "from-a-file"),
        ({"": "", "_FILE": ""}, {"": "old"}, None),
        ({"_FILE": ""}, {"": "old"}, "old"),
        ({"": "new"}, {"_FILE": "absent"}, "new"),
        ({}, {"": "", "_FILE": "file"}, "from-a-file"),
        ({}, {"": ""}, None),
    ],
)
def test_the_environment_comes_before_the_dotenv_file_and_in_each_a_value_before_a_file(
    tmp_path: Path, environment: dict[str, str], dotenv: dict[str, str], found: str | None
) -> None:
    (tmp_path / "file").write_text("from-a-file\n")

    def named(values: dict[str, str]) -> dict[str, str]:
        return {
            f"ZCC_ZOOM_CLIENT_SECRET{end}": str(tmp_path / value) if end and value else value
            for end, value in values.items()
        }

    (tmp_path / ".env").write_text("".join(f"{key}={value}\n" for key, value in named(dotenv).items()))
    secret = load_settings(named(environment), dotenv=tmp_path / ".env").zoom_client_secret
    assert (secret and secret.get_secret_value()) == found


def test_a_secret_file_that_is_not_there_is_named_with_its_purpose(tmp_path: Path) -> None:
    said = complaint(ZCC_ZOOM_CLIENT_SECRET_FILE=str(tmp_path / "absent"))
    assert "ZCC_ZOOM_CLIENT_SECRET_FILE" in said
    assert "what it is for" in said
    assert "example" in said


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ZCC_TIMEZONE", "Mars/Olympus"),
        ("ZCC_TIMEZONE", "../../etc/passwd"),
        ("ZCC_START_DATE", "soon"),
        ("ZCC_LOOKBACK_DAYS", "0"),
        ("ZCC_DEEP_LOOKBACK_DAYS", "many"),
        ("ZCC_ZOOM_PLAN", "gold"),
        ("ZCC_ZOOM_RATE_SHARE", "1.5"),
        ("ZCC_ZOOM_API_URL", "api.zoom.us"),
    ],
)
def test_a_wrong_setting_is_named_with_purpose_and_example(variable: str, value: str) -> None:
    said = complaint(**{variable: value})
    assert said.startswith(f"{variable}: ")
    assert "what it is for: " in said
    assert f"example: {variable}=" in said


def test_every_wrong_setting_is_named_at_once() -> None:
    said = complaint(ZCC_ZOOM_PLAN="gold", ZCC_LOOKBACK_DAYS="-1")
    assert "ZCC_ZOOM_PLAN" in said
    assert "ZCC_LOOKBACK_DAYS" in said


def test_no_error_repeats_a_value() -> None:
    assert "s3cret-value" not in complaint(ZCC_ZOOM_PLAN="s3cret-value")


def test_secrets_are_in_no_representation() -> None:
    settings = load(**CREDENTIALS, ZCC_STATE_URL="postgresql://zcc:hush-hush@db/zcc")
    config = pipeline_config(settings, SystemClock())
    assert "hush-hush" not in repr(settings) + str(settings) + repr(config)


def test_secrets_of_the_intakes_are_in_no_representation_and_reach_them() -> None:
    settings = load(
        ZCC_WEBHOOK_SECRET_TOKENS="hush-hush, hush-old",
        ZCC_FLOW_TOKENS="hush-flow",
        ZCC_WEBSOCKET_URL="wss://ws.zoom.us/ws?subscriptionId=hush-id",
        ZCC_INBOX_URL="postgresql://zcc:hush-hush@db/zcc",
    )
    config = pipeline_config(settings, SystemClock())
    assert "hush" not in repr(settings) + str(settings) + repr(config)
    assert config.receiver.secret_tokens == ("hush-hush", "hush-old")
    assert config.receiver.flow_tokens == ("hush-flow",)


def test_a_proxy_to_trust_is_an_address_or_a_network() -> None:
    assert load(ZCC_RECEIVER_TRUSTED_PROXIES="10.0.0.0/8, ::1").receiver_trusted_proxies == ("10.0.0.0/8", "::1")
    assert "ZCC_RECEIVER_TRUSTED_PROXIES" in complaint(ZCC_RECEIVER_TRUSTED_PROXIES="proxy.example.com")


def test_the_tolerance_ends_where_the_inbox_forgets() -> None:
    assert load(ZCC_WEBHOOK_TOLERANCE_SECONDS="6000").webhook_tolerance_seconds == 6000
    assert "ZCC_WEBHOOK_TOLERANCE_SECONDS" in complaint(ZCC_WEBHOOK_TOLERANCE_SECONDS="2592001")


def test_a_root_path_starts_with_a_slash_and_ends_without() -> None:
    assert load(ZCC_RECEIVER_ROOT_PATH="/zcc/in").receiver_root_path == "/zcc/in"
    for wrong in ("zcc", "/zcc/", "/z cc"):
        assert "ZCC_RECEIVER_ROOT_PATH" in complaint(ZCC_RECEIVER_ROOT_PATH=wrong)


def test_every_setting_says_what_it_is_for_and_shows_an_example() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.examples, name


def test_examples_are_themselves_valid() -> None:
    for name, field in Settings.model_fields.items():
        load(**{PREFIX + name.upper(): str((field.examples or [""])[0])})


def test_all_three_credentials_or_none() -> None:
    whole = pipeline_config(load(**CREDENTIALS), SystemClock())
    partly = pipeline_config(load(ZCC_ZOOM_ACCOUNT_ID="account"), SystemClock())
    assert whole.credentials is not None
    assert partly.credentials is None


def test_everything_lies_under_home_unless_told(tmp_path: Path) -> None:
    config = pipeline_config(load(ZCC_HOME=str(tmp_path)), SystemClock())
    assert config.state_url == str(tmp_path / "state.sqlite")
    assert (config.lake_url, config.files_url) == (str(tmp_path / "lake"), str(tmp_path / "files"))
    assert config.warehouse.analytics_path == tmp_path / "analytics.duckdb"
    assert config.inbox_url == str(tmp_path / "inbox.sqlite")
    assert config.timezone == ZoneInfo("UTC")


def test_a_bucket_takes_the_s3_settings_with_it() -> None:
    config = pipeline_config(
        load(
            ZCC_LAKE_URL="s3://bucket/lake",
            ZCC_S3_ENDPOINT_URL="http://127.0.0.1:8333",
            ZCC_S3_ACCESS_KEY_ID="key",
            ZCC_S3_SECRET_ACCESS_KEY="hush-hush",
        ),
        SystemClock(),
    )
    assert config.s3 is not None
    assert config.s3.endpoint_url == "http://127.0.0.1:8333"
    assert config.warehouse.s3 is not None
    assert config.warehouse.s3.endpoint_url == config.s3.endpoint_url


def test_the_start_date_is_thirty_days_before_yesterday_unless_set() -> None:
    clock = SystemClock()
    assert (clock.now().date() - default_start_date(load(), clock)).days == 31
    assert default_start_date(load(ZCC_START_DATE="2026-01-01"), clock) == date(2026, 1, 1)


def test_only_a_start_date_that_was_set_shortens_the_deep_look_back(tmp_path: Path) -> None:
    with open_runtime(load(ZCC_HOME=str(tmp_path))) as runtime:
        first, today = runtime.trailing_days(runtime.config.deep_lookback_days)
        assert (today - first).days == 35
        start = str(today - timedelta(days=2))
    with open_runtime(load(ZCC_HOME=str(tmp_path), ZCC_START_DATE=start)) as runtime:
        assert str(runtime.trailing_days(runtime.config.deep_lookback_days)[0]) == start


def test_opening_a_runtime_touches_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_runtime(load(ZCC_HOME=str(home))):
        assert not home.exists()


def test_the_country_of_short_phone_numbers_reaches_the_warehouse_and_must_be_two_letters() -> None:
    assert pipeline_config(load(ZCC_PHONE_REGION="DE"), SystemClock()).warehouse.phone_region == "DE"
    assert "ZCC_PHONE_REGION" in complaint(ZCC_PHONE_REGION="Germany")
