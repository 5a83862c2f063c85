"""Starts ``workers`` in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def command(name: str, url: object, *arguments: object) -> list[str]:
    module = "zcc_pipeline_tests.integration.inbox.workers"
    return [sys.executable, "-m", module, name, str(url), *map(str, arguments)]


def start(name: str, url: object, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(name, url, *arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
