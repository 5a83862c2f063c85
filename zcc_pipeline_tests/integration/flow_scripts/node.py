"""Runs a flow script under Node, in a context that holds only what Zoom documents."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "deploy" / "zoom-flow"
HARNESS = Path(__file__).with_name("run_script.js")
NAMES = ("engagement_closed", "disposition_saved")

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node IS MISSING: the flow scripts are NOT tested; .ci/run has it")


@dataclass(frozen=True)
class Ran:
    logs: list[tuple[str, str]]
    posts: list[dict[str, Any]]
    thrown: str | None
    global_names: list[str]

    @property
    def said(self) -> str:
        return "\n".join(text for _, text in self.logs)

    def errors(self) -> list[str]:
        return [text for level, text in self.logs if level == "error"]


def run_script(name: str, variables: object, **order: Any) -> Ran:
    assert NODE is not None
    order = {"script": str(SCRIPTS / f"{name}.js"), "variables": variables, **order}
    done = subprocess.run(
        [NODE, str(HARNESS)], input=json.dumps(order).encode(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    seen = json.loads(done.stdout)
    logs = [(level, text) for level, text in seen["logs"]]
    return Ran(logs, seen["posts"], seen["thrown"], seen["globals"])
