"""The folder of a demo: which account lies in it, and settings that lead nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from zcc_pipeline.cli.ports import free_port
from zcc_pipeline.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.crms import CrmAccess
    from zcc_pipeline.settings import Settings

MARKER = "demo.json"
TRUTH = "demo-truth.json"
KEPT = ("state.sqlite", "lake", "files", "warehouse.duckdb", "analytics.duckdb")
"""What the pipeline leaves in a home that has been used."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """The account of a demo: the same numbers make the same account, only its last day moves on."""

    seed: int
    engagements_per_day: int
    timezone: str
    first_day: str
    port: int = 0
    """Where its stand-in was served first: records keep addresses of files that could not be fetched yet."""

    @property
    def first(self) -> date:
        """The earliest day that the stand-in has to serve."""
        return date.fromisoformat(self.first_day)


def claim(home: Path, wanted: DemoAccount) -> DemoAccount:
    """The account that this home is for, ``wanted`` where it is empty or holds the same account.

    Raises ``ConfigurationError`` where the home holds data of a real account, or of another demo.
    """
    found = read_marker(home)
    if found is None:
        used = [name for name in KEPT if (home / name).exists()]
        if used:
            raise ConfigurationError(
                "ZCC_HOME",
                f"{home} holds data that no demo made ({', '.join(used)}); a demo would mix invented customers into it",
                purpose="folder for everything the pipeline keeps; give the demo one of its own",
                example="./zcc_demo",
            )
        account = wanted
    elif (found.seed, found.engagements_per_day, found.timezone) == (
        wanted.seed, wanted.engagements_per_day, wanted.timezone,
    ):  # fmt: skip
        account = replace(found, first_day=min(found.first_day, wanted.first_day))
    else:
        raise ConfigurationError(
            "ZCC_HOME",
            f"{home} holds the demo account of seed {found.seed} with {found.engagements_per_day} engagements a day "
            f"in {found.timezone}; run it with these, or remove the folder, or use another one",
            purpose="folder for everything the pipeline keeps",
            example="./zcc_demo",
        )
    account = replace(account, port=free_port(account.port))
    home.mkdir(parents=True, exist_ok=True)
    part = home / f"{MARKER}.part"
    part.write_text(json.dumps(asdict(account), indent=1) + "\n")
    part.replace(home / MARKER)
    return account


def read_marker(home: Path) -> DemoAccount | None:
    """The demo account of a home, or None where it is no demo's."""
    try:
        return DemoAccount(**json.loads((home / MARKER).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            "ZCC_HOME", f"{home / MARKER} cannot be read; remove the folder or use another one", example="./zcc_demo"
        ) from error


def refuse_to_mix(settings: Settings) -> None:
    """A home that a demo made takes data from stand-ins only."""
    if read_marker(settings.home) is not None and urlsplit(settings.zoom_api_url).hostname not in LOOPBACK:
        raise ConfigurationError(
            "ZCC_HOME",
            f"{settings.home} holds a demo's invented account; real data does not belong there",
            purpose="folder for everything the pipeline keeps; use another one, or remove this one",
            example="/var/lib/zcc",
        )


def refuse_to_export(settings: Settings, access: CrmAccess | None) -> None:
    """A home that a demo made fills stand-ins only: invented customers have no place in anybody's CRM."""
    if access is None or read_marker(settings.home) is None:
        return
    if urlsplit(access.values.get("url", "")).hostname not in LOOPBACK:
        raise ConfigurationError(
            "ZCC_HOME",
            f"{settings.home} holds a demo's invented customers; they do not belong in {access.name}",
            purpose="folder for everything the pipeline keeps; use the one with your own account's data",
            example="/var/lib/zcc",
        )


def demo_environment(settings: Settings, account: DemoAccount, standin: Mapping[str, str]) -> dict[str, str]:
    """Every setting there is: those of the demo by value, the others emptied.

    So nothing from ``.env`` or the surroundings (a real account, a bucket, another database) reaches the demo.
    """
    from zcc_pipeline.settings import PREFIX

    environment = dict.fromkeys((PREFIX + name.upper() for name in type(settings).model_fields), "")
    environment |= {
        "ZCC_HOME": str(settings.home),
        "ZCC_TIMEZONE": account.timezone,
        "ZCC_START_DATE": account.first_day,
    }
    return environment | dict(standin)
