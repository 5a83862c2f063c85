"""Where the dbt project lies, which version of it this is, the profile it runs with, and what dbt says, made plain."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.warehouse.config import WarehouseConfig

_PACKAGE_DIR = Path(__file__).resolve().parent.parent


def project_dir() -> Path:
    """The dbt project: packaged beside the rooms in a wheel, else at the top of the checkout."""
    for candidate in (_PACKAGE_DIR / "dbt_project", _PACKAGE_DIR.parent / "dbt_project"):
        if (candidate / "dbt_project.yml").is_file():
            return candidate
    raise PermanentError("the dbt project is missing from this installation; install the package again")


def project_version(directory: Path) -> str:
    """A digest over every file that decides what the models contain: another digest asks for a full refresh."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.suffix in {".sql", ".yml", ".py", ".csv"} and "target" not in path.parts:
            digest.update(path.relative_to(directory).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def write_profile(config: WarehouseConfig) -> Path:
    """Write ``profiles.yml`` under the scratch folder and return that folder.

    It holds no secrets. It changes only when the configuration does, because a changed profile makes dbt parse
    everything anew; paths are told from the scratch folder, where dbt runs, so that a home may be moved.
    """
    config.scratch_dir.mkdir(parents=True, exist_ok=True)
    output: dict[str, object] = {
        "type": "duckdb",
        "path": os.path.relpath(config.warehouse_path, config.scratch_dir),
        "schema": "main",
        "threads": config.threads,
        "keep_open": True,
        "config_options": {
            "memory_limit": config.memory_limit,
            "threads": str(config.threads),
            "temp_directory": "spill",
            "autoinstall_known_extensions": "false",
            "preserve_insertion_order": "false",
        },
        "settings": {"TimeZone": "UTC"},
        "plugins": [{"module": "zcc_pipeline.warehouse.dbt_plugin"}],
    }
    profile = {"zcc_pipeline": {"target": "warehouse", "outputs": {"warehouse": output}}}
    text = json.dumps(profile, indent=1) + "\n"
    path = config.scratch_dir / "profiles.yml"
    if not path.is_file() or path.read_text() != text:
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_text(text)
        part.replace(path)
    return config.scratch_dir


def plain(message: str) -> str:
    """A message of dbt's as one line without the values that a conversion error quotes: they may be a customer's."""
    text = " ".join(message.split())
    if "Conversion Error" in text or "Invalid Input Error" in text or "Malformed JSON" in text:
        text = re.sub(r"(['\"]).*?\1", "'…'", text)
    return text[:600]
