"""The stand-in as a process of its own and as a thread."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import httpx
import pytest

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.options import SimulatorOptions
from zcc_pipeline.simulator.zoom.server import running_simulator, serve
from zcc_pipeline_tests.simulator.http.conftest import SPEC, Serve
from zcc_pipeline_tests.simulator.http.reader import Reader

PROGRAM = """
import sys
from datetime import date
from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.options import SimulatorOptions
from zcc_pipeline.simulator.zoom.server import serve

spec = AccountSpec(last_day=date(2026, 11, 20), days=1, engagements_per_day=20)
serve(SimulatorOptions(spec=spec), on_ready=lambda sim: print(sim.api_url, flush=True))
"""


@contextmanager
def process() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield child.stdout.readline().strip()
        finally:
            child.terminate()
            child.wait(timeout=60)


def test_it_serves_as_a_process_and_ends_on_a_signal() -> None:
    with process() as api_url:
        base = api_url.removesuffix("/v2")
        form = {"grant_type": "account_credentials", "account_id": "a"}
        token = httpx.post(f"{base}/oauth/token", data=form, auth=("a", "b")).json()["access_token"]
        answer = httpx.get(f"{api_url}/contact_center/queues", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base}/_control/state")


def test_a_port_in_use_is_a_configuration_error_that_names_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}"):
            serve(SimulatorOptions(spec=SPEC, port=port))


def test_two_run_side_by_side_and_the_same_seed_gives_the_same_account(serve: Serve) -> None:
    first, second = serve(), serve()
    rows = [reader.get("engagements").json()["engagements"] for reader in (first, second)]
    assert [row["engagement_id"] for row in rows[0]] == [row["engagement_id"] for row in rows[1]]
    other = serve(AccountSpec(last_day=SPEC.last_day, days=SPEC.days, engagements_per_day=120, seed=12))
    assert other.get("engagements").json()["engagements"][0] not in rows[0]


def test_a_server_named_localhost_keeps_its_files_under_an_address(serve: Serve) -> None:
    reader = serve(public_host="localhost")
    assert (reader.sim.api_host, reader.sim.file_host) == ("localhost", "127.0.0.1")
    url = f"{reader.sim.api_url}/contact_center/recording/download/bench-10"
    assert httpx.get(reader.download(url).headers["Location"]).status_code == 200


def test_latency_is_waited_before_each_answer(serve: Serve) -> None:
    reader = serve(latency_ms=80)
    assert reader.get("queues").elapsed.total_seconds() >= 0.08


def test_an_account_can_run_on_a_clock_of_its_own(serve: Serve) -> None:
    moments = iter(range(1000))
    base = date(2026, 11, 22)

    def clock() -> object:
        from datetime import UTC, datetime, timedelta

        return datetime(base.year, base.month, base.day, tzinfo=UTC) + timedelta(seconds=next(moments))

    reader = serve(clock=clock)
    first, second = (reader.state()["now"] for _ in range(2))
    assert first < second


def test_the_thread_ends_with_its_block(tmp_path: Path) -> None:
    with running_simulator(SPEC, truth_path=tmp_path / "truth.json") as sim:
        reader = Reader(sim)
        assert reader.get("queues").status_code == 200
        reader.http.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(sim.control_url + "/state")
