"""Nothing that a customer or an agent said, is called or can be reached under survives in a preview."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.orchestration.masking import SHOWN_WORDS, mask, mask_fields

WORDS = {
    "number",
    "id",
    "address",
    "time",
    "text",
    "long",
    "empty",
    "record",
    "list",
    "one",
    "several",
    "null",
    "true",
    "false",
    "field",
}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.emails()
    | st.sampled_from(
        [
            "Zoë Müller",
            "田中さくら",
            "+1 415 555 0123",
            "4111111111111111",
            "mary@example.com",
            "She asked for 20% off",
            "2026-11-21",
        ]
    ),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


@given(json_values)
def test_only_words_of_the_closed_lists_are_ever_shown(value: Any) -> None:
    assert mask(value) in SHOWN_WORDS or words_of(mask(value)) <= WORDS | SHOWN_WORDS


@given(json_values)
def test_no_digit_and_no_at_sign_survives(value: Any) -> None:
    assert not re.search(r"[0-9@]", mask(value))


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_names_of_fields_that_may_be_somebodys_data_are_masked_too(payload: dict[str, Any]) -> None:
    for name, shown in mask_fields(payload).items():
        assert name == "‹field›" or re.fullmatch(r"[a-z][a-z_]*", name)
        assert shown in SHOWN_WORDS or words_of(shown) <= WORDS | SHOWN_WORDS


def test_a_preview_still_tells_what_a_field_holds() -> None:
    assert mask_fields(
        {
            "engagement_id": "x7Kq",
            "direction": "inbound",
            "consumer_name": "Zoë Müller",
            "start_time": "2026-11-21T08:00:00Z",
            "talk_duration": 31,
            "notes": [{"note": "a"}, {"note": "b"}],
            "download_url": "https://zoom.us/rec/secret",
            "survey_id": "",
            "transcript_url": None,
            "+14155550123": True,
        }
    ) == {
        "engagement_id": "‹id›",
        "direction": "inbound",
        "consumer_name": "‹text›",
        "start_time": "‹time›",
        "talk_duration": "‹number›",
        "notes": "‹several: record›",
        "download_url": "‹address›",
        "survey_id": "‹empty›",
        "transcript_url": "null",
        "‹field›": "true",
    }
