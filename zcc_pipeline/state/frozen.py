"""Settings that must not change once data exists."""

from __future__ import annotations

import sqlalchemy as sa

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.state.database import Database
from zcc_pipeline.state.schema import settings

_TIMEZONE = "timezone"


class FrozenSettings:
    """Written at first use, compared ever after."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def timezone(self) -> str | None:
        """The time zone by which days are cut, or None where nothing has landed yet."""
        with self._database.read() as connection:
            value: str | None = connection.scalar(sa.select(settings.c.value).where(settings.c.name == _TIMEZONE))
        return value

    def freeze_timezone(self, name: str) -> None:
        """Fix the time zone at first use; ``ConfigurationError`` when it is another one later."""
        frozen = self.timezone() or self._first_one_wins(name)
        if frozen != name:
            raise ConfigurationError(
                "ZCC_TIMEZONE",
                f"is {name}, but the data landed so far is cut into days of {frozen}. A day of one zone is not a day "
                f"of the other, so partitions would overlap. Set it back to {frozen}, or start afresh "
                "with another ZCC_HOME.",
                purpose="the time zone in which a day begins and ends; fixed when the first data lands",
                example=frozen,
            )

    def _first_one_wins(self, name: str) -> str:
        with self._database.write() as connection:
            # two processes may start at once: whoever comes second reads what the first wrote
            connection.execute(
                sa.text("INSERT INTO zcc_setting (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING"),
                {"name": _TIMEZONE, "value": name},
            )
            return str(connection.scalar(sa.select(settings.c.value).where(settings.c.name == _TIMEZONE)))
