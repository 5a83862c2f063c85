"""``zcc simulate --push-to``: what people type, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zcc_pipeline.cli.main import app
from zcc_pipeline_tests.simulator.push.receiver import SECRET, TOKEN, Receiver

SMALL = ["simulate", "--port", "0", "--json", "--days", "1", "--engagements-per-day", "20"]


@pytest.mark.integration
def test_simulate_pushes_what_has_happened_so_far(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answer = lambda _post: 200
    flows = receiver.url.replace("/webhooks/zoom", "/flow-events")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "zcc_pipeline.cli", *SMALL),
            *("--push-to", receiver.url, "--webhook-secret", SECRET, "--flow-to", flows),
        ],
        env={**os.environ, "ZCC_HOME": str(tmp_path), "ZCC_FLOW_TOKENS": TOKEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while {post.path for post in receiver.posts} != {"/webhooks/zoom", "/flow-events"}:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert errors == b""
    assert all(post.is_signed for post in receiver.posts if post.path == "/webhooks/zoom")
    tokens = {post.headers["authorization"] for post in receiver.posts if post.path == "/flow-events"}
    assert tokens == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--push-to", "http://example.com/", "--webhook-secret", "s"], "loopback"),
        (["--push-to", "http://127.0.0.1/"], "ZCC_WEBHOOK_SECRET_TOKENS"),
        (["--flow-to", "http://127.0.0.1/"], "ZCC_FLOW_TOKENS"),
    ],
)
def test_simulate_says_what_it_needs_to_push(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, [*SMALL, *arguments])
    assert answer.exit_code == 2
    assert words in answer.output
