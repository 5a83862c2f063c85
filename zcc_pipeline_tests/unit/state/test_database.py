"""URLs of a state store."""

from __future__ import annotations

from pathlib import Path

import pytest

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.state.database import parse_state_url


@pytest.mark.parametrize(
    ("text", "database"),
    [
        ("sqlite:////data/state.sqlite", "/data/state.sqlite"),
        ("sqlite:///state.sqlite", "state.sqlite"),
        ("/data/state.sqlite", "/data/state.sqlite"),
        ("state.sqlite", str(Path("state.sqlite").absolute())),
    ],
)
def test_a_path_or_a_sqlite_url_names_a_file(text: str, database: str) -> None:
    url = parse_state_url(text)

    assert (url.get_backend_name(), url.database) == ("sqlite", database)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_every_way_to_write_postgresql_leads_to_the_same_driver(scheme: str) -> None:
    assert parse_state_url(f"{scheme}://zcc:pw@db/zcc").drivername == "postgresql+psycopg2"


@pytest.mark.parametrize("text", ["", "mysql://zcc:s3cret@db/zcc", "sqlite://", "sqlite:///:memory:", "://s3cret"])
def test_anything_else_is_refused_by_the_name_of_the_setting_and_without_the_password(text: str) -> None:
    with pytest.raises(ConfigurationError, match="ZCC_STATE_URL") as caught:
        parse_state_url(text)

    assert "s3cret" not in str(caught.value)
