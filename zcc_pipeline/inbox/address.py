"""What ``ZCC_INBOX_URL`` may say."""

from __future__ import annotations

from pathlib import Path

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.inbox.contract import EXAMPLE, PURPOSE, SETTING

_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg2")


def parse_inbox_url(text: str) -> Path | str:
    """The path of a SQLite file, or a PostgreSQL URL as its driver wants it. ``ConfigurationError`` for anything else;
    the text itself may hold a password and is not repeated."""
    scheme, separator, rest = text.partition("://")
    if not text.strip():
        raise ConfigurationError(SETTING, "is empty", purpose=PURPOSE, example=EXAMPLE)
    if not separator:
        return Path(text).absolute()
    if scheme in _POSTGRES and rest:
        return f"postgresql://{rest}"
    if scheme == "sqlite" and len(rest) > 1 and rest.startswith("/") and "?" not in rest and rest != "/:memory:":
        return Path(rest[1:]).absolute()
    problem = "must name a SQLite file or a PostgreSQL database"
    raise ConfigurationError(SETTING, problem, purpose=PURPOSE, example=EXAMPLE)
