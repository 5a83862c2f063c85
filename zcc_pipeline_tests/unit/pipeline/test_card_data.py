import asyncio
import json
from dataclasses import replace
from hashlib import sha256, sha512
from pathlib import Path

import msgspec
import pytest

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.ports import Silence, StoredFile, WantedArtefact
from zcc_pipeline.domain.records import SHAPE_LIST, RecordChunk
from zcc_pipeline.pipeline.artefacts import without_card_data
from zcc_pipeline.pipeline.card_data import engagement_numbers
from zcc_pipeline.pipeline.card_data_rescan import rescan
from zcc_pipeline.pipeline.reports import DayReport
from zcc_pipeline.pipeline.stored_records import land_stored
from zcc_pipeline_tests.unit.pipeline.homes import NOW, TODAY, land, open_home

CARD = "4111 1111 1111 1111"
SPOKEN = "four one one one, one one one one"
NOTE = {"note_id": "n1", "note": f"paid with {CARD}"}
VTT = "WEBVTT\n\n00:00:07.000 --> 00:00:09.500\n<v Bob>my card is 4111-1111-1111-1111\n"


def verdicts(runtime):
    table = runtime.lake.latest("zoom/card_data", TODAY, TODAY)
    return sorted((json.loads(payload) for payload in table.column("payload").to_pylist()), key=str)


def texts(runtime, dataset):
    return runtime.lake.latest(dataset, TODAY, TODAY).column("payload").to_pylist()


def chunk(dataset, record_id, payload, *, engagement=None, **more):
    return RecordChunk(
        dataset=dataset,
        shape=SHAPE_LIST,
        route="poll",
        as_of=NOW,
        batch_id="",
        record_ids=[record_id],
        payloads=[json.dumps({**payload, **more}).encode()],
        engagement_ids=[engagement],
        occurred_at=[f"{TODAY}T09:00:00Z"],
    )


def land_note(runtime, note, *, engagement=None):
    with runtime.lake.writer(DATASETS["zoom/notes"]) as writer:
        writer.add(chunk("zoom/notes", "n1", {"note_id": "n1", "note": note}, engagement=engagement))
        writer.commit()


@pytest.mark.parametrize(("policy", "status"), [("flag", "flagged"), ("block", "blocked"), ("redact", "redacted")])
def test_a_note_with_a_card_is_known_as_such(tmp_path, policy, status):
    with open_home(tmp_path, card_data_policy=policy) as runtime:
        land_note(runtime, NOTE["note"])
        (verdict,) = verdicts(runtime)
        assert (verdict["dataset"], verdict["record_id"], verdict["status"]) == ("zoom/notes", "n1", status)
        (finding,) = verdict["findings"]
        assert (finding["rule"], finding["field"], finding["start"], finding["end"]) == ("card_number", "note", 10, 29)
        (text,) = texts(runtime, "zoom/notes")
        assert (CARD in text) is (policy != "redact")


def test_a_clean_note_is_known_to_have_been_looked_at(tmp_path):
    with open_home(tmp_path, card_data_policy="flag") as runtime:
        land_note(runtime, "all is well", engagement="e1")
        (proof,) = verdicts(runtime)
        assert (proof["dataset"], proof["status"]) == ("zoom/notes", "looked_at")
        assert proof["engagement_numbers"] == engagement_numbers(["e1"]).tolist()
        assert b"e1" not in msgspec.json.encode(proof["engagement_numbers"])


def test_notes_of_one_hour_are_proven_together_and_only_once(tmp_path):
    with open_home(tmp_path, card_data_policy="flag") as runtime:
        for _ in range(2):
            with runtime.lake.writer(DATASETS["zoom/notes"]) as writer:
                for number in range(40):
                    writer.add(chunk("zoom/notes", f"n{number}", {"note": "well"}, engagement=f"e{number % 30}"))
                writer.commit()
        (proof,) = verdicts(runtime)
        assert sorted(proof["engagement_numbers"]) == sorted(
            engagement_numbers(f"e{number}" for number in range(30)).tolist()
        )
        assert len(runtime.lake.files("zoom/card_data", TODAY)) == 1


def test_what_an_older_version_held_is_not_forgotten(tmp_path):
    with open_home(tmp_path, card_data_policy="flag") as runtime:
        land_note(runtime, NOTE["note"], engagement="e1")
        land_note(runtime, "paid", engagement="e1")
        assert {verdict["status"] for verdict in verdicts(runtime)} == {"flagged", "looked_at"}


@pytest.mark.parametrize("rows", [1, 400])
def test_only_what_holds_digits_is_rewritten_however_many_land_at_once(tmp_path, rows):
    notes = [{"note_id": f"n{row}", "note": NOTE["note"] if row % 100 == 7 else f"well {row}"} for row in range(rows)]
    notes[0]["note"] = f"é {CARD}"
    with open_home(tmp_path, card_data_policy="redact") as runtime:
        with runtime.lake.writer(DATASETS["zoom/notes"]) as writer:
            for note in notes:
                writer.add(chunk("zoom/notes", note["note_id"], note, padding="x" * 100))
            counts = writer.commit()
        assert counts.new == rows
        landed = {note["note_id"]: note["note"] for note in map(json.loads, texts(runtime, "zoom/notes"))}
    assert landed == {note["note_id"]: note["note"].replace(CARD, "[card number removed]") for note in notes}


def test_landing_the_same_again_writes_nothing(tmp_path):
    with open_home(tmp_path, card_data_policy="redact") as runtime:
        for _ in range(3):
            land_note(runtime, NOTE["note"])
        assert len(verdicts(runtime)) == 1
        assert len(runtime.lake.files("zoom/card_data", TODAY)) == len(runtime.lake.files("zoom/notes", TODAY)) == 1


def test_a_note_inside_an_engagement_is_seen_too_and_ids_are_left_alone(tmp_path):
    engagement = {"engagement_id": "4111111111111111", "notes": [NOTE], "transcript_url": "https://x/4111111111111111"}
    with open_home(tmp_path, card_data_policy="redact") as runtime:
        land(runtime, "zoom/engagements", "e1", engagement, day=TODAY, shape=SHAPE_LIST)
        (text,) = texts(runtime, "zoom/engagements")
        assert json.loads(text) == {**engagement, "notes": [{**NOTE, "note": "paid with [card number removed]"}]}
        assert [verdict["findings"][0]["field"] for verdict in verdicts(runtime)] == ["notes[0].note"]


def test_a_record_of_numbers_alone_leaves_no_trace(tmp_path):
    call = {"engagement_id": "e1", "caller_number": "+14155550123", "start_time": "2026-11-22T09:00:00Z"}
    with open_home(tmp_path, card_data_policy="flag") as runtime:
        land(runtime, "zoom/voice_calls", "e1", call, day=TODAY, shape=SHAPE_LIST)
        assert verdicts(runtime) == []


def test_a_recording_whose_transcript_has_a_card_goes_to_quarantine_with_its_times(tmp_path):
    turns = [
        {"turn": 1, "speaker": "Bob", "offset_seconds": 7.0, "duration_seconds": 2.5, "text": "it is 4111 1111"},
        {"turn": 2, "speaker": "Ann", "offset_seconds": 9.5, "duration_seconds": 0.5, "text": "mm-hm"},
        {"turn": 3, "speaker": "Bob", "offset_seconds": 10.0, "duration_seconds": 3.0, "text": SPOKEN[18:] + " 1111"},
    ]
    with open_home(tmp_path, card_data_policy="flag") as runtime:
        land(runtime, "zoom/recording_transcripts", "r1", {"turns": turns}, day=TODAY, shape=SHAPE_LIST)
        (item,) = runtime.state.quarantine.list("held")
        assert (item.dataset, item.record_id, item.detail, item.payload) == ("zoom/recordings", "r1", "7.0-13.0 s", b"")


def store_transcript(runtime: object, home: Path) -> tuple[WantedArtefact, StoredFile]:
    path = f"recording_transcript/date={TODAY}/r1.aaaaaaaaaaaa.vtt"
    (home / "files" / path).parent.mkdir(parents=True)
    (home / "files" / path).write_text(VTT)
    stored = StoredFile(path, len(VTT), "a" * 64, "a" * 128, "text/vtt", "vtt")
    return WantedArtefact(ArtefactKind.RECORDING_TRANSCRIPT, "r1", "e1", TODAY, NOW), stored


def test_a_transcript_file_is_rewritten_and_what_it_was_is_gone(tmp_path):
    with open_home(tmp_path, card_data_policy="redact") as runtime:
        wanted, stored = store_transcript(runtime, tmp_path)
        clean = asyncio.run(without_card_data(runtime, wanted, stored))
        assert runtime.files.read(clean.path).decode() == VTT.replace("4111-1111-1111-1111", "[card number removed]")
        assert not runtime.files.exists(stored.path)
        assert [item.detail for item in runtime.state.quarantine.list("held")] == ["7.0-9.5 s"]
        assert [verdict["status"] for verdict in verdicts(runtime)] == ["redacted"]


def test_with_redact_the_digits_are_nowhere_under_home(tmp_path):
    with open_home(tmp_path, card_data_policy="redact") as runtime:
        land_note(runtime, NOTE["note"])
        wanted, stored = store_transcript(runtime, tmp_path)
        asyncio.run(without_card_data(runtime, wanted, stored))
        held = [text for name in ("zoom/notes", "zoom/card_data") for text in texts(runtime, name)]
    whole = "".join(held).encode() + b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for digits in (b"4111 1111", b"4111-1111", b"41111111"):
        assert digits not in whole


@pytest.mark.parametrize("policy", ["flag", "block"])
def test_what_is_kept_about_a_finding_never_holds_the_digits(tmp_path, policy):
    with open_home(tmp_path, card_data_policy=policy) as runtime:
        land_note(runtime, NOTE["note"])
        assert b"4111" not in msgspec.json.encode(verdicts(runtime))
    for file in tmp_path.rglob("*"):
        if file.is_file() and "zoom/notes" not in str(file):
            assert b"4111 1111" not in file.read_bytes(), file


def everything_under(home):
    return b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())


@pytest.mark.parametrize(("policy", "status"), [("flag", "flagged"), ("block", "blocked")])
def test_a_rescan_finds_what_landed_before_anybody_looked(tmp_path, policy, status):
    with open_home(tmp_path, card_data_policy="off") as runtime:
        land_note(runtime, NOTE["note"], engagement="e1")
        assert verdicts(runtime) == []
    with open_home(tmp_path, card_data_policy=policy) as runtime:
        report = rescan(runtime, [TODAY])
        assert (report.found, report.lake_files) == ({"zoom/notes": 1}, 0)
        said = {(each["status"], each.get("engagement_id")) for each in verdicts(runtime)}
        assert {(status, "e1"), ("clean", "e1")} <= said
        assert len(runtime.state.quarantine.list("held")) == (policy == "block")
        before = runtime.lake.listing("zoom/card_data", TODAY)
        assert rescan(runtime, [TODAY]).found == {}
        assert runtime.lake.listing("zoom/card_data", TODAY) == before


def test_a_rescan_that_was_stopped_goes_on_where_it_was(tmp_path):
    with open_home(tmp_path, card_data_policy="off") as runtime:
        land_note(runtime, NOTE["note"], engagement="e1")
        land(runtime, "zoom/surveys", "e1", {"answer": CARD}, day=TODAY, shape=SHAPE_LIST)
    with open_home(tmp_path, card_data_policy="flag") as runtime:

        class Stop(Exception):
            pass

        class Progress(Silence):
            def advance(self, task, steps=1):
                raise Stop

        runtime.progress = Progress()
        with pytest.raises(Stop):
            rescan(runtime, [TODAY])
        runtime.progress = Silence()
        report = rescan(runtime, [TODAY])
        assert (report.found, report.skipped) == ({}, 2)


def test_a_rescan_with_redact_leaves_the_digits_nowhere_under_home(tmp_path):
    with open_home(tmp_path, card_data_policy="flag") as runtime:
        land_note(runtime, NOTE["note"], engagement="e1")
        land_note(runtime, f"really {CARD}", engagement="e1")
        wanted, stored = store_transcript(runtime, tmp_path)
        content = VTT.encode()
        stored = replace(stored, sha256=sha256(content).hexdigest(), sha512=sha512(content).hexdigest())
        runtime.state.artefacts.want([wanted], now=NOW)
        runtime.state.artefacts.mark_stored(wanted.kind, {"r1": stored}, now=NOW)
        land_stored(runtime, wanted.kind, TODAY, DayReport(TODAY))
        assert len(texts(runtime, "zoom/files")) == 1
        runtime.lake.compact("zoom/notes", TODAY)
        for text in (CARD, CARD, "[card number removed]"):
            payload = json.dumps({"note": f"call back, {text}"}).encode()
            runtime.state.quarantine.add("polling", "zoom/notes", None, "no_id", "", payload, NOW)
    assert b"4111-1111" in everything_under(tmp_path / "files")
    with open_home(tmp_path, card_data_policy="redact") as runtime:
        report = rescan(runtime, [TODAY])
        assert report.found == {"zoom/notes": 2, "zoom/recording_transcripts": 1}
        assert (report.transcripts, report.quarantined) == (1, 1)
        (kept,) = [each for each in runtime.state.quarantine.list(None) if each.room == "polling"]
        assert json.loads(kept.payload) == {"note": "call back, [card number removed]"}
        assert rescan(runtime, [TODAY]).quarantined == 0
        (row,) = runtime.state.artefacts.on_days(TODAY, TODAY, kind=wanted.kind)
        clean = runtime.files.read(row.path)
        assert clean.decode() == VTT.replace("4111-1111-1111-1111", "[card number removed]")
        assert (row.sha256, row.path.count("/r1.")) == (sha256(clean).hexdigest(), 1)
        (file,) = map(json.loads, texts(runtime, "zoom/files"))
        assert (file["path"], file["sha256"]) == (row.path, row.sha256)
        assert file["size_bytes"] == len(clean)
        held = [text for name in DATASETS for text in texts(runtime, name)]
        assert {each["status"] for each in verdicts(runtime) if each.get("findings")} == {"redacted"}
    whole = "".join(held).encode() + everything_under(tmp_path)
    for trace in (b"4111 1111", b"4111-1111", stored.sha256.encode(), stored.sha512.encode(), stored.path.encode()):
        assert trace not in whole
    named = sha256(json.dumps({"note_id": "n1", "note": NOTE["note"]}).encode()).hexdigest()[:16]
    assert named.encode() not in whole


def test_custom_variables_and_file_names_are_looked_at_in_any_dataset(tmp_path):
    email = {"attachments": [{"file_name": "card 4111-1111-1111-1111.pdf", "file_id": "4111111111111111"}]}
    call = {"variables": [{"name": "spoken", "value": f"{SPOKEN}, {SPOKEN[18:]}, {SPOKEN[18:]}"}]}
    with open_home(tmp_path, card_data_policy="flag") as runtime:
        land(runtime, "zoom/email_messages", "m1", email, day=TODAY, shape=SHAPE_LIST)
        land(runtime, "zoom/voice_calls", "c1", call, day=TODAY, shape=SHAPE_LIST)
        places = [(each["dataset"], finding["field"]) for each in verdicts(runtime) for finding in each["findings"]]
    assert sorted(places) == [
        ("zoom/email_messages", "attachments[0].file_name"),
        ("zoom/voice_calls", "variables[0].value"),
    ]
