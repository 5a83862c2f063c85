import json
import random
import re
import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zcc_pipeline.domain.card_data import (
    Cue,
    Rule,
    candidate_rows,
    redact_any,
    redact_cues,
    redact_document,
    redact_file,
    redact_text,
    scan_cues,
    scan_document,
    scan_text,
)
from zcc_pipeline.domain.card_data.networks import SHORTEST
from zcc_pipeline.domain.card_data.numbers import NUMBER_WORDS, plain, runs_between
from zcc_pipeline.domain.card_data.scanner import scan_plain
from zcc_pipeline.domain.card_data.security_codes import SHORTEST_CODE
from zcc_pipeline.domain.transcript_formats import parse_transcript
from zcc_pipeline_tests.card_corpus import SPELLINGS, card, corpus
from zcc_pipeline_tests.examples import of_all

VISA, AMEX = "4111 1111 1111 1111", "3782 822463 10005"

PIECES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["4111 1111", "1111 1111 ", "4111111111111111", "four ", "one ", "double ", "triple ", "hundred "]),
    st.sampled_from(["cvv ", "card ", "the back ", "123 ", "-", "\u200b", "٤", " o ", "thousand", "[", "İ", "\x00"]),
    st.text("0123456789 -.,", max_size=24),
)
HOSTILE = st.lists(PIECES, max_size=14).map("".join)


def found(text):
    return [text[match.start : match.end] for match in scan_text(text)]


def test_the_figures_of_the_corpus_hold():
    samples = corpus()
    hits = [any(match.rule is Rule.CARD_NUMBER for match in scan_text(sample.text)) for sample in samples]
    right = sum(hit and sample.is_card for hit, sample in zip(hits, samples, strict=True))
    assert right / sum(sample.is_card for sample in samples) >= 0.99
    assert right / sum(hits) >= 0.98


@pytest.mark.parametrize("kind", SPELLINGS)
def test_each_spelling_is_found_and_removed(kind):
    rng = random.Random(kind)
    for _ in range(20):
        text = f"So it is {SPELLINGS[kind](card(rng), rng)}, thanks"
        assert [match.rule for match in scan_text(text)] == [Rule.CARD_NUMBER], text
        assert not scan_text(redact_text(text))


def test_only_the_digits_are_replaced():
    assert redact_text(f"zip 90210, card {VISA}, cvv 123.") == (
        "zip 90210, card [card number removed], cvv [security code removed]."
    )


def test_a_security_code_is_told_by_the_words_beside_it():
    assert found("the three digits on the back are one two three") == ["one two three"]
    assert found("123 is the security code") == ["123"]
    assert found("my security code, please call 415 555 0199") == []
    assert found("the code for the door is 1234") == []


@pytest.mark.parametrize(
    "text",
    [
        "DE89 3704 0044 0532 0130 00",
        "GB29 NWBK 6016 1331 9268 19",
        "call +4915123456789012",
        "415-555-0123, 415-555-0199",
        "1763638325123 and 20261120103205",
        "4111 11** **** 1111",
        "550e8400-e29b-41d4-a716-446655440000",
        "it costs 4,111,111,111,111",
        "order 9400111899223100001234",
    ],
)
def test_what_only_looks_like_a_card_is_left_alone(text):
    assert found(text) == []
    assert redact_text(text) == text


def test_a_number_inside_a_longer_one_counts_where_cards_are_spoken_of():
    assert found("90210411111111111111") == []
    assert found("my card is 902104111111111111111") == ["4111111111111111"]


CUES = [
    Cue("Agent", "May I have your card number?", 0.0, 2.0),
    Cue("Customer", "Zip is 90210 and it's 4111 1111", 2.0, 5.0),
    Cue("Agent", "Mm-hm.", 5.0, 5.5),
    Cue("Customer", "one one one one, um, 1111", 5.5, 9.0),
    Cue("Agent", "And the three digits on the back?", 9.0, 11.0),
    Cue("Customer", "That's one two three.", 11.0, 12.0),
]


def test_a_number_over_two_cues_of_a_speaker_is_found_with_its_times():
    number, code = scan_cues(CUES)
    assert [(span.cue, CUES[span.cue].text[span.start : span.end]) for span in number.spans] == [
        (1, "4111 1111"),
        (3, "one one one one, um, 1111"),
    ]
    assert (number.starts_at, number.ends_at) == (2.0, 9.0)
    assert code.rule is Rule.SECURITY_CODE
    assert (code.starts_at, code.ends_at) == (11.0, 12.0)


def test_redacted_cues_keep_their_number_and_scan_clean():
    clean = redact_cues(CUES)
    assert clean[1] == "Zip is 90210 and it's [card number removed]"
    assert clean[5] == "That's [security code removed]."
    assert scan_cues([Cue(cue.speaker, text) for cue, text in zip(CUES, clean, strict=True)]) == []


def test_numbers_of_two_speakers_are_not_joined():
    assert scan_cues([Cue("A", "4111 1111"), Cue("B", "1111 1111")]) == []


VTT = """WEBVTT

1
00:00:01.000 --> 00:00:02.000
<v Bob>my card is 4111 1111

2
00:00:02.000 --> 00:00:03.500
<v Bob>1111 1111, thanks
"""


def test_webvtt_stays_webvtt_with_the_same_times():
    clean = redact_file(VTT.encode())
    before, after = parse_transcript(VTT.encode()), parse_transcript(clean)
    assert before[0] == after[0]
    assert [(turn.speaker, turn.offset_seconds) for turn in before[1]] == [
        (turn.speaker, turn.offset_seconds) for turn in after[1]
    ]
    assert [turn.text for turn in after[1]] == ["my card is [card number removed]", "[card number removed], thanks"]
    assert redact_file(clean) == clean


def test_lines_with_times_are_joined_by_speaker():
    text = "10:32:05 Bob: it is 4111 1111\r\n10:32:06 Ann: yes\r\n10:32:09 Bob: 1111 1111\r\n"
    assert redact_file(text.encode()).decode() == (
        "10:32:05 Bob: it is [card number removed]\r\n10:32:06 Ann: yes\r\n10:32:09 Bob: [card number removed]\r\n"
    )


def test_a_document_keeps_every_other_byte():
    document = (
        '{ "id" : "2026-11-20T10:32:05Z", "n": 4111111111111111,"note":"it\\u0027s \\u0034111-1111-1111-1111!",'
        '"messages":[{"speaker":"x","text":"4111 1111"},{"speaker":"x","text":"1111 1111"}], "é": null}'
    ).encode()
    clean = redact_document(document)
    assert clean.decode() == (
        '{ "id" : "2026-11-20T10:32:05Z", "n": "[card number removed]","note":"it\'s [card number removed]!",'
        '"messages":[{"speaker":"x","text":"[card number removed]"},{"speaker":"x","text":"[card number removed]"}],'
        ' "é": null}'
    )
    assert [finding.field for finding in scan_document(document)] == [
        "messages[0].text",
        "messages[1].text",
        "n",
        "note",
    ]
    assert scan_document(clean) == []


LONG = json.dumps({"note": "nothing of the kind " * 2000})
"""Makes a batch so large that its documents are not simply read one by one."""


def is_candidate(document, copies):
    rows = candidate_rows(pa.array([LONG, *[document] * copies, LONG], pa.string()))
    assert not {0, copies + 1} & set(rows)
    return rows == list(range(1, copies + 1))


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_every_text_of_the_corpus_with_a_card_is_a_candidate(ensure_ascii):
    samples = corpus(each=40)
    documents = [json.dumps({"note": sample.text}, ensure_ascii=ensure_ascii) for sample in samples]
    rows = set(candidate_rows(pa.array(documents, pa.string())))
    for row, sample in enumerate(samples):
        assert row in rows or not scan_document(documents[row].encode()), sample
    clean = [row for row, sample in enumerate(samples) if row not in rows and not sample.is_card]
    assert len(clean) > 0.2 * sum(not sample.is_card for sample in samples)


MESSY = st.recursive(
    HOSTILE | st.floats(allow_nan=False) | st.integers(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(HOSTILE | st.sampled_from(["text", "call_id", "speaker", "value"]), inner)
        | st.lists(st.fixed_dictionaries({"speaker": st.sampled_from("AB"), "text": HOSTILE}), max_size=4)
    ),
    max_leaves=6,
)


@settings(max_examples=of_all(120), deadline=None)
@given(MESSY, st.booleans(), st.sampled_from([1, 20]))
def test_a_document_in_which_the_scan_finds_something_is_always_a_candidate(value, ensure_ascii, copies):
    document = json.dumps(value, ensure_ascii=ensure_ascii)
    if scan_document(document.encode("utf-8", "surrogatepass")):
        assert is_candidate(document, copies)


@pytest.mark.parametrize("copies", [1, 20])
@pytest.mark.parametrize(
    "document",
    [
        r'{"note":"\u0034111111111111111"}',
        r'{"note":"4111\u00201111\n1111\t1111"}',
        r'{"note":"f\u006fur one one one one one one one one one one one one one one one"}',
        r'{"note":"\u0664111 1111 1111 1111"}',
        r'{"note":"\ud835\udfd2111 1111 1111 1111"}',
        r'{"note":"CVV \u0031\u0032\u0033"}',
        r'{"m":[{"speaker":"a","te\u0078t":"4111 1111"},{"speaker":"a","te\u0078t":"1111 1111"}]}',
        '{"call_id":"7","note":4111111111111111}',
        '{"quadruple_id":"x","n":"four triple one, quadruple one, quadruple one quadruple one"}',
        '{"my\\"call_id":"4111111111111111"}',
    ],
)
def test_what_json_can_hide_is_a_candidate(document, copies):
    assert scan_document(document.encode())
    assert is_candidate(document, copies)


def test_long_ids_and_lists_of_values_are_no_candidates():
    calls = [
        json.dumps({"call_id": f"{4111111111111111 + number}", "variables": [{"value": "A1"}, {"value": "five"}]})
        for number in range(2000)
    ]
    assert candidate_rows(pa.array(calls, pa.string())) == []


def test_thousands_of_empty_documents_are_no_candidates():
    assert candidate_rows(pa.array([""] * 10_000, pa.string())) == []


SHORT = st.lists(st.sampled_from([*NUMBER_WORDS, *"0123456789 -o", "cvv", "cvv2", "cvc", " 123", "١"]), max_size=13)


@settings(max_examples=of_all(200), deadline=None)
@given(SHORT.map("".join))
def test_what_is_too_short_to_be_looked_at_holds_nothing(text):
    small = plain(text)[: SHORTEST_CODE - 1]
    assert not scan_plain(small, speaks=lambda _start, _end: True)
    small = plain(text)[: SHORTEST - 1]
    assert all(len(run.digits) < SHORTEST for run in runs_between(small, 0, len(small)))


@settings(max_examples=of_all(120), deadline=None)
@given(HOSTILE)
def test_redacted_text_scans_clean_and_stays_as_it_is(text):
    clean = redact_text(text)
    assert scan_text(clean) == []
    assert redact_text(clean) == clean


@settings(max_examples=of_all(150), deadline=None)
@given(st.lists(st.tuples(st.sampled_from("AB"), HOSTILE), max_size=8))
def test_redacted_cues_scan_clean(pairs):
    clean = redact_cues([Cue(speaker, text) for speaker, text in pairs])
    assert scan_cues([Cue(speaker, text) for (speaker, _), text in zip(pairs, clean, strict=True)]) == []


@settings(max_examples=of_all(150), deadline=None)
@given(st.recursive(HOSTILE, lambda inner: st.lists(inner) | st.dictionaries(HOSTILE, inner), max_leaves=6))
def test_a_redacted_document_is_json_and_scans_clean(document):
    clean = redact_document(json.dumps(document).encode())
    json.loads(clean)
    assert scan_document(clean) == []


@settings(max_examples=of_all(150), deadline=None)
@given(st.binary(max_size=200) | HOSTILE.map(str.encode) | HOSTILE.map(lambda said: f"WEBVTT\n\n{said}".encode()))
def test_any_file_can_be_redacted_once(content):
    clean = redact_file(content)
    assert redact_file(clean) == clean


@settings(max_examples=of_all(100), deadline=None)
@given(st.binary(max_size=100) | HOSTILE.map(str.encode))
def test_whatever_came_can_be_kept_without_digits(content):
    clean = redact_any(content + b" it is 4111 1111 1111 1111, \xff thanks")
    assert b"4111 1111 1111 1111" not in clean
    assert redact_any(b"\xff all is well") == b"\xff all is well"


def test_a_finding_never_tells_the_digits():
    for finding in [*scan_text(VISA), *scan_cues(CUES), *scan_document(json.dumps({"note": AMEX}).encode())]:
        assert not re.search(r"4111|1111|3782|10005", repr(finding))


def test_a_name_that_is_a_card_number_is_not_told_either():
    document = json.dumps({"4111111111111111": {"note": VISA}, "four one": [AMEX]}).encode()
    assert [finding.field for finding in scan_document(document)] == ["", "(name).note", "(name)[0]"]
    assert b"1111" not in redact_document(document)


def test_a_document_nested_without_end_takes_no_more_than_its_length():
    document = b"[" * 20_000 + json.dumps(VISA).encode()
    started = time.process_time()
    assert len(scan_document(document)) == 1
    scan_document(b'{"' + b"k" * 20_000 + b'":[' + b"1," * 20_000 + b"1]}")
    assert time.process_time() - started < 10
