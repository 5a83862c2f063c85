"""Nothing of an object is seen before all of it is on disk: looked at from outside the process, by strace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from zcc_pipeline_tests.integration.archive.write_objects import object_id

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
WRITER = "zcc_pipeline_tests.integration.archive.write_objects"
OBJECTS = 3
NEEDS_STRACE = "needs strace (apt-get install strace)"

_SHOWN = re.compile(r'rename\w*\((?:AT_FDCWD<[^>]*>, )?"[^"]*/staging/(\d+-\w+)/(\w+)", .*"([^"]*)"')
_WRITTEN = re.compile(r'openat\(.*"[^"]*/staging/(\d+-\w+)/([^"]+)", O_WRONLY')
_SYNCED_ALL = re.compile(r"syncfs\(\d+<[^>]*>\) = 0")
_SYNCED = re.compile(r"fsync\(\d+<([^>]*)>\) += 0")


@pytest.mark.skipif(shutil.which("strace") is None, reason=NEEDS_STRACE)
@pytest.mark.parametrize("way", ["together", "each"])
def test_every_file_is_synced_before_the_rename_and_the_folders_above_after_it(tmp_path: Path, way: str) -> None:
    trace, top = tmp_path / "trace", tmp_path / "archive"
    calls = "trace=openat,mkdir,rename,renameat,renameat2,fsync,syncfs"
    tracing = ["strace", "-D", "-f", "-y", "-o", str(trace), "-e", calls]
    command = [sys.executable, "-m", WRITER, str(top), "0", str(OBJECTS), way]
    subprocess.run(
        [*tracing, *command],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    assert sorted((top / "objects").glob("???/???/???/*/v2"))
    lines = re.sub(r"^\d+ +", "", trace.read_text(), flags=re.MULTILINE).splitlines()
    shown = [(number, found) for number, line in enumerate(lines) if (found := _SHOWN.search(line))]
    assert len(shown) == 2 * OBJECTS, object_id(0)
    for number, found in shown:
        staged, name, target = found.groups()
        written = {
            path: at
            for at, line in enumerate(lines[:number])
            if (made := _WRITTEN.search(line)) and made[1] == staged and is_needed(path := made[2], name)
        }
        is_whole = not target.rpartition("/")[2].startswith("v")
        assert len(written) >= (10 if is_whole else 4), "content, inventories and what recovery needs"
        assert_synced(lines[max(written.values()) : number], {f"{staged}/{path}" for path in written}, way)
        if way == "together":
            assert any(_SYNCED_ALL.search(line) for line in lines[number:])
            continue
        after = {each[1] for line in lines[number:] if (each := _SYNCED.search(line))}
        parent = Path(target).parent
        chain = [parent, *parent.parents]
        assert {str(folder) for folder in chain[: chain.index(top)]} <= after


def is_needed(path: str, name: str) -> bool:
    return path == "target.json" or path.startswith(f"{name}/")


def assert_synced(lines: list[str], written: set[str], way: str) -> None:
    """After the last write and before the rename."""
    if way == "together":
        assert any(_SYNCED_ALL.search(line) for line in lines)
        return
    synced = {each[1].partition("/staging/")[2] for line in lines if (each := _SYNCED.search(line))}
    assert written <= synced
    folders = {str(parent) for path in written for parent in Path(path).parents if parent != Path()}
    assert folders <= synced
