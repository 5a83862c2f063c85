"""Notes and files: each once, in blocks where they are large, whatever happens on the way."""

from __future__ import annotations

import base64

import pytest

from zcc_pipeline.exports.dynamics.queries import note_id
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.simulator.crm.base import Faults
from zcc_pipeline_tests.integration.exports.dynamics.environment import (
    Log,
    annotations,
    attachment,
    calls,
    entry,
    organisation,
    record,
    rows,
    run,
    write,
)

pytestmark = pytest.mark.integration

LARGE = bytes(range(256)) * 24_000
"""6.1 MB: more than one block."""


def test_notes_and_files_of_many_rows_go_out_together():
    with organisation() as served:
        log = Log()
        batch = [record(f"e{n}", entries=(entry(1),), attachments=(attachment(1, b"sound"),)) for n in range(50)]
        outcomes = write(served, batch, log)
        assert {outcome.status for outcome in outcomes.values()} == {Status.CREATED}
        assert served.standin.counters.api_calls == 2
        ids = {row["zcc_engagementid"] for row in rows(served).values()}
        assert {note["objectid"] for note in annotations(served)} == ids
        assert len(annotations(served)) == 100
        assert log.said[:100] == [("begun", *said[1:]) for said in log.said[100:]], "all begun before any is done"


def test_what_is_there_is_not_sent_again_and_what_is_unsure_is_there_once():
    with organisation() as served:
        one = record("e1", entries=(entry(1), entry(2)))
        write(served, [one])
        again = record(
            "e1", entries=one.outgoing.entries, written=frozenset({entry(1).key}), unsure=frozenset({entry(2).key})
        )
        assert write(served, [again])["e1"].status is Status.CREATED
        assert sorted(note["annotationid"] for note in annotations(served)) == sorted(
            note_id("e1", key) for key in (entry(1).key, entry(2).key)
        )
        assert calls(served, "PATCH /api/data/v9.2/{set}({key})") == 3


def test_a_large_file_goes_in_blocks_and_arrives_whole():
    with organisation(settings={"largest_file": 10_000_000}) as served:
        assert write(served, [record("e1", attachments=(attachment(1, LARGE),))])["e1"].status is Status.CREATED
        (note,) = annotations(served)
        assert base64.b64decode(note["documentbody"]) == LARGE
        assert (note["filename"], note["mimetype"], note["isdocument"]) == ("recording-r1.mp3", "audio/mpeg", True)
        assert calls(served, "UploadBlock") == 2
        assert note["objectid"] == rows(served)["e1"]["zcc_engagementid"]


def test_an_upload_that_was_cut_off_is_begun_again_and_there_is_one_note():
    with organisation(settings={"largest_file": 10_000_000}, faults=Faults(timeout_after_commit=(5,))) as served:
        one = record("e1", attachments=(attachment(1, LARGE),))
        log = Log()
        outcomes = write(served, [one], log)
        assert outcomes["e1"].status in (Status.UNKNOWN, Status.CREATED)
        again = record("e1", attachments=one.outgoing.attachments, remote=outcomes["e1"].remote)
        assert write(served, [again], log)["e1"].status is Status.UPDATED
        (note,) = annotations(served)
        assert base64.b64decode(note["documentbody"]) == LARGE


@pytest.mark.parametrize("body", [b"x" * 2_000_000, LARGE])
def test_a_file_that_is_too_large_for_the_organisation_is_refused_and_the_row_stays(body):
    with organisation(settings={"largest_file": 1_000_000}) as served:
        log = Log()
        outcome = write(served, [record("e1", attachments=(attachment(1, body),))], log)["e1"]
        assert (outcome.status, outcome.code) == (Status.FAILED_PERMANENT, "0x80044a02")
        assert outcome.remote is not None
        assert set(rows(served)) == {"e1"}
        assert [said for said, *_ in log.said] == ["begun"]


def test_notes_with_every_script_and_mark_arrive_as_they_are():
    text = 'Note by O\'Brien\n\n<script>alert(1)</script> "quoted" 日本語 🎧\r\n--batch_zcc-pipeline--\r\nend'
    with organisation() as served:
        write(served, [record("e1", entries=(entry(1, text),))])
        (note,) = annotations(served)
        assert note["notetext"] == text
        assert note["subject"] == "Note by O'Brien"


def test_rows_that_were_refused_get_no_notes():
    with organisation(faults=Faults(refuse_keys=("e1",))) as served:
        log = Log()
        write(served, [record("e1", entries=(entry(1),))], log)
        assert annotations(served) == []
        assert log.said == []


def test_the_preview_shows_notes_and_leaves_bytes_out():
    with organisation() as served:
        one = record("e1", entries=(entry(1),), attachments=(attachment(1, b"s" * 10), attachment(2, LARGE)))

        async def act(destination):
            return destination.preview(one)

        row, small, *large = run(served, act)
        assert "UpsertMultiple" in row.url
        assert "(10 bytes)" in small.body
        assert [request.url.rpartition("/")[2].partition("(")[0] for request in large] == [
            "annotations",
            "InitializeAnnotationBlocksUpload",
            "UploadBlock",
            "CommitAnnotationBlocksUpload",
        ]
