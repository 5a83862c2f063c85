"""What is installed from a wheel works without the checkout: SQL models and all travel with it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.slow]
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The wheel's content in a folder of its own, which comes before the checkout on the path."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist")]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    return tmp_path / "site"


def test_the_demo_runs_from_a_wheel_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ZCC_", "DAGSTER_"))}
    environment["PYTHONPATH"] = str(installed)
    where = subprocess.run(
        [sys.executable, "-c", "import zcc_pipeline; print(zcc_pipeline.__file__)"],
        env=environment,
        cwd=work,
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(installed)
    before = subprocess.run(["git", "status", "--porcelain"], cwd=CHECKOUT, check=True, capture_output=True).stdout
    demo = subprocess.run(
        [sys.executable, "-m", "zcc_pipeline.cli", "demo", "--days", "1", "--engagements-per-day", "20"],
        env=environment,
        cwd=work,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert (work / "zcc_data" / "analytics.duckdb").is_file()
    after = subprocess.run(["git", "status", "--porcelain"], cwd=CHECKOUT, check=True, capture_output=True).stdout
    assert after == before
