"""Records whose own times are empty or nonsense: they land on the day they were listed for, and stop nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.window import time_or_none
from zcc_pipeline.pipeline.artefacts import fetch_files
from zcc_pipeline.pipeline.completeness import judge
from zcc_pipeline.pipeline.coverage_facts import read_facts
from zcc_pipeline.pipeline.freshness import newest_engagement
from zcc_pipeline.pipeline.lake_facts import EngagementFields, iter_landed
from zcc_pipeline.pipeline.per_engagement import read_each
from zcc_pipeline.pipeline.polling import poll
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.pipeline.settling import due_engagements
from zcc_pipeline_tests.unit.pipeline.homes import TODAY, days_ago, open_home
from zcc_pipeline_tests.unit.pipeline.little_zoom import Answer, LittleZoom, serving

DAY = days_ago(1)
FINE = f"{DAY}T09:00:00Z"
Listings = Mapping[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def zoom() -> Iterator[LittleZoom]:
    with serving() as server:
        yield server


def listing(zoom: LittleZoom, found: Listings) -> None:
    """Each path lists those records; every other address is a file."""

    def answer(path: str) -> Answer:
        key = path.rpartition("/")[2]
        if key not in found:
            return 200, b"ID3" + bytes(100)
        return 200, {key: found[key], "next_page_token": "", "total_records": len(found[key])}

    zoom.answers = answer


def read_day(runtime: Runtime) -> None:
    for name in ("zoom/engagements", "zoom/recordings", "zoom/voicemails"):
        assert not [problem for report in poll(runtime, DATASETS[name], [DAY]) for problem in report.problems]


def engagement(key: str, start: str | None = FINE, end: str | None = FINE) -> dict[str, Any]:
    return {"engagement_id": key, "start_time": start, "end_time": end, "channels": [{"channel": "voice"}]}


def recording(zoom: LittleZoom, key: str, start: str | None, end: str | None) -> dict[str, Any]:
    times = {"recording_start_time": start, "recording_end_time": end}
    return {"recording_id": f"r-{key}", "engagement_id": key, "download_url": f"{zoom.base}/r-{key}.mp3", **times}


def voicemail(zoom: LittleZoom, key: str, created: str | None) -> dict[str, Any]:
    address = f"{zoom.base}/m-{key}.mp3"
    return {"message_id": f"m-{key}", "engagement_id": key, "download_url": address, "created_at": created}


def statuses(runtime: Runtime) -> set[str]:
    found = runtime.lake.latest("zoom/completeness", DAY, DAY, columns=["record_id"])
    return set(found.column("record_id").to_pylist())


ODD = ["", "n/a", None, "0001-01-01T00:00:00+14:00", "99999999999999999999", "2026-13-45T99:00:00Z", "\x00"]


def test_odd_times_in_a_day_keep_nothing_from_being_fetched_and_judged(zoom: LittleZoom, tmp_path: Path) -> None:
    """Each of them once in every place where a time stands."""
    keys = [f"e{number}" for number in range(len(ODD))]
    listing(
        zoom,
        {
            "engagements": [
                *(engagement(f"{key}s", start=odd) for key, odd in zip(keys, ODD, strict=True)),
                *(engagement(f"{key}e", end=odd) for key, odd in zip(keys, ODD, strict=True)),
                engagement("fine"),
            ],
            "recordings": [
                *(recording(zoom, f"{key}s", odd, FINE) for key, odd in zip(keys, ODD, strict=True)),
                *(recording(zoom, f"{key}e", FINE, odd) for key, odd in zip(keys, ODD, strict=True)),
                recording(zoom, "fine", FINE, FINE),
            ],
            "messages": [voicemail(zoom, f"{key}s", odd) for key, odd in zip(keys, ODD, strict=True)],
        },
    )
    with open_home(tmp_path, **zoom.settings) as runtime:
        read_day(runtime)
        fetched = [fetch_files(runtime, kind, [DAY]) for kind in (ArtefactKind.RECORDING, ArtefactKind.VOICEMAIL)]
        assert [report.total("received") for report in fetched] == [2 * len(ODD) + 1, len(ODD)]
        judge(runtime, [DAY])
        judged = statuses(runtime)
        assert {f"{key}{place}:recording" for key in keys for place in "se"} <= judged
        assert len(judged) == (2 * len(ODD) + 1) * len(ArtefactKind)
        files = runtime.lake.latest("zoom/files", DAY, DAY, columns=["record_id"])
        assert files.num_rows == 3 * len(ODD) + 1
        held = {(item.dataset, item.record_id) for item in runtime.state.quarantine.list()}
        assert {("zoom/recordings", "r-e0s"), ("zoom/recordings", "r-e1e"), ("zoom/voicemails", "m-e0s")} <= held
        assert {("zoom/engagements", "e0s"), ("zoom/engagements", "e1e")} <= held
        assert not [each for each in held if "fine" in str(each)]


hostile = st.one_of(st.none(), st.text(max_size=30), st.datetimes().map(str), st.datetimes().map(datetime.isoformat))


@settings(max_examples=2, deadline=None)
@given(times=st.lists(st.tuples(hostile, hostile), min_size=15, max_size=25))
def test_whatever_stands_where_a_time_should_the_day_goes_on(
    zoom: LittleZoom, times: list[tuple[str | None, str | None]]
) -> None:
    numbered = [(f"e{number}", *pair) for number, pair in enumerate(times)]
    found = {
        "engagements": [engagement(*each) for each in numbered],
        "recordings": [recording(zoom, *each) for each in numbered],
        "messages": [voicemail(zoom, key, start) for key, start, _ in numbered],
    }
    listing(zoom, found)
    with TemporaryDirectory() as home, open_home(Path(home), **zoom.settings) as runtime:
        read_day(runtime)
        landed = {each.fields.engagement_id for each in iter_landed(runtime.lake, *ENGAGEMENTS)}
        for kind in ArtefactKind:
            if kind in FILES:
                assert not fetch_files(runtime, kind, [DAY]).problems
        judge(runtime, [DAY])
        assert {key.partition(":")[0] for key in statuses(runtime)} == landed
        due_engagements(runtime, [DAY])
        newest_engagement(runtime)
        read_facts(runtime, [DAY])
        read_each(runtime, DATASETS["zoom/engagement_events"], [DAY])


ENGAGEMENTS = ("zoom/engagements", EngagementFields, DAY)
FILES = {ArtefactKind.RECORDING, ArtefactKind.VOICEMAIL, ArtefactKind.MESSAGING_TRANSCRIPT}


@given(text=hostile)
def test_a_time_is_read_or_it_is_none_and_never_one_of_a_broken_clock(text: str | None) -> None:
    moment = time_or_none(text)
    assert moment is None or (moment.utcoffset() == timedelta(0) and 1970 <= moment.year < 2200)


def test_a_time_may_be_milliseconds_since_1970() -> None:
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
    assert time_or_none(str(int(noon.timestamp() * 1000))) == noon
