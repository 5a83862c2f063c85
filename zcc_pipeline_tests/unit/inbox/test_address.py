"""What ``ZCC_INBOX_URL`` may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.inbox.address import parse_inbox_url


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite:////data/inbox.sqlite", Path("/data/inbox.sqlite")),
        ("sqlite:///inbox.sqlite", Path("inbox.sqlite").absolute()),
        ("/data/inbox.sqlite", Path("/data/inbox.sqlite")),
        ("inbox.sqlite", Path("inbox.sqlite").absolute()),
    ],
)
def test_a_path_or_a_sqlite_url_names_a_file(text: str, path: Path) -> None:
    assert parse_inbox_url(text) == path


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_every_way_to_write_postgresql_leads_to_the_same_driver(scheme: str) -> None:
    assert parse_inbox_url(f"{scheme}://zcc:pw@db/zcc") == "postgresql://zcc:pw@db/zcc"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///x?mode=ro",
        "postgresql://",
        "mysql://u:secret@h/d",
    ],
)
def test_anything_else_is_refused_by_name_and_never_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^ZCC_INBOX_URL: ") as refused:
        parse_inbox_url(text)
    assert "secret" not in str(refused.value)
