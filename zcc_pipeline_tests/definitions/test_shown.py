"""Tables and pictures: what people see of a report."""

from __future__ import annotations

import base64
from collections import Counter
from datetime import date, timedelta
from xml.etree import ElementTree

import dagster as dg
import pytest

from zcc_pipeline.domain.completeness import ArtefactKind, Status
from zcc_pipeline.orchestration.metadata import day_metadata, days_table, joined_days, report_metadata
from zcc_pipeline.orchestration.pictures import COLOURS, completeness_picture
from zcc_pipeline.pipeline.reports import DatasetReport, DayReport
from zcc_pipeline.reconciliation import KindDay

DAY = date(2026, 11, 21)


def svg_of(markdown: str | None) -> ElementTree.Element:
    assert markdown is not None
    return ElementTree.fromstring(base64.b64decode(markdown.rpartition(",")[2].rstrip(")")))  # noqa: S314 - our own


def test_the_table_of_days_is_newest_first_and_leaves_out_what_says_nothing() -> None:
    rows = [DayReport(DAY, received=3, new=1, api_calls=2), DayReport(DAY + timedelta(days=1), received=5)]
    table = days_table(rows)
    assert [record.data["day"] for record in table.records] == ["2026-11-22", "2026-11-21"]
    assert [column.name for column in table.schema.columns] == [
        "day", "complete", "received", "new", "changed", "unchanged", "API calls",
    ]  # fmt: skip


def test_problems_are_shown_in_the_table_on_the_day_and_in_words() -> None:
    report = DatasetReport("zoom/notes", [DayReport(DAY, is_complete=False, problem="cut short")])
    assert days_table(report.days).records[0].data["problem"] == "cut short"
    assert day_metadata(report.days[0])["problem"] == "cut short"
    assert report_metadata(report)["problems"] == dg.MetadataValue.json(["zoom/notes 2026-11-21: cut short"])
    assert "problems" not in report_metadata(DatasetReport("zoom/notes", [DayReport(DAY)]))


def test_an_empty_report_has_an_empty_table() -> None:
    assert days_table([]).records == []


def test_days_are_listed_while_few_and_spanned_when_many() -> None:
    assert joined_days([]) == "none"
    assert joined_days([DAY, DAY - timedelta(days=1)]) == "2026-11-20, 2026-11-21"
    assert joined_days([DAY + timedelta(days=n) for n in range(40)]) == "40 days, 2026-11-21 to 2026-12-30"


def test_the_picture_has_one_bar_a_day_in_the_share_of_each_status() -> None:
    lines = [
        KindDay(DAY, ArtefactKind.NOTES, by_status=Counter({Status.STORED: 30, Status.WAITING: 10})),
        KindDay(DAY, ArtefactKind.RECORDING, by_status=Counter({Status.STORED: 20})),
        KindDay(DAY + timedelta(days=1), ArtefactKind.NOTES, by_status=Counter({Status.UNEXPLAINED: 60})),
    ]
    svg = svg_of(completeness_picture(lines))
    titles = [title.text for title in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["2026-11-21: 50 stored", "2026-11-21: 10 waiting", "2026-11-22: 60 unexplained"]
    bars = [bar for bar in svg.iter("{http://www.w3.org/2000/svg}rect") if len(bar)]
    assert float(bars[0].get("height", 0)) == pytest.approx(5 * float(bars[1].get("height", 0)), rel=0.01)
    assert {bar.get("fill") for bar in bars} == {
        COLOURS[s] for s in (Status.STORED, Status.WAITING, Status.UNEXPLAINED)
    }


def test_every_status_has_a_colour_of_its_own() -> None:
    assert set(COLOURS) == set(Status)
    assert len(set(COLOURS.values())) == len(Status)


def test_there_is_no_picture_of_nothing() -> None:
    assert completeness_picture([]) is None
