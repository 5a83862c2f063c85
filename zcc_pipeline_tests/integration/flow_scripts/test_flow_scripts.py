"""The flow scripts as a flow would run them, in every form in which variables have been seen."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zcc_pipeline.sources.receiver.flow_events import read_flow_event
from zcc_pipeline_tests.integration.flow_scripts.conftest import Endpoint
from zcc_pipeline_tests.integration.flow_scripts.node import NAMES, SCRIPTS, needs_node, run_script
from zcc_pipeline_tests.ports import free_ports

pytestmark = [pytest.mark.integration, needs_node]

TOKEN = "flow-token-of-the-account"
ENGAGEMENT = "066UYqbRS0qRNbsUj9ZoBw"
TRANSCRIPT = "12:00 Consumer: Grüße 👋\n12:01 Agent: hello"


def settings(url: str, **more: object) -> dict[str, object]:
    prefix = "global_custom.Custom."
    return {f"{prefix}zcc_events_url": url, f"{prefix}zcc_events_token": TOKEN, "unrelated": "x", **more}


def flat(url: str, **values: object) -> dict[str, object]:
    return settings(url, **{f"global_system.Engagement.{name}": value for name, value in values.items()})


def variables_in(form: str, url: str, values: dict[str, object]) -> dict[str, object]:
    whole = {"Engagement": {"ANI": "+15550100", **values}}
    shapes: dict[str, dict[str, object]] = {
        "flat": {f"global_system.Engagement.{name}": value for name, value in values.items()},
        "object": {"global_system": whole},
        "object below a dotted key": {"global_system.Engagement": whole["Engagement"]},
        "json": {"global_system": json.dumps(whole)},
        "json within": {"global_system": {"Engagement": json.dumps(whole["Engagement"])}},
        "custom": {
            f"global_custom.Custom.zcc_{'engagement_id' if name == 'engagementId' else name}": value
            for name, value in values.items()
        },
    }
    return settings(url, **shapes[form])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["flat", "object", "object below a dotted key", "json", "json within", "custom"])
def test_disposition_and_transcript_go_out_in_one_event_whatever_form_the_variables_have(
    endpoint: Endpoint, name: str, form: str
) -> None:
    values: dict[str, object] = {"engagementId": ENGAGEMENT, "disposition": "Resolved", "transcript": TRANSCRIPT}
    ran = run_script(name, variables_in(form, endpoint.url, values))
    assert ran.thrown is None
    assert ran.errors() == []
    sent = endpoint.only
    assert read_flow_event(endpoint.bodies[0]).engagement_id == ENGAGEMENT
    assert sent["type"] == name
    assert sent["disposition"] == "Resolved"
    assert sent["transcript"] == TRANSCRIPT
    assert sent["transcript_format"] == "text"
    assert sent["direction"] == "inbound"
    assert sent["variable_form"] == form.split(maxsplit=1)[0]
    assert f"disposition {form.split(maxsplit=1)[0]}" in ran.said
    assert endpoint.tokens == [f"Bearer {TOKEN}"]
    assert 0 < ran.posts[0]["timeout"] <= 5000
    assert ran.posts[0]["maxRedirects"] == 0
    assert abs(datetime.fromisoformat(sent["occurred_at"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_whole_of_global_system_asked_for_by_name_is_taken_where_var_get_shows_nothing_else(
    endpoint: Endpoint,
) -> None:
    whole = json.dumps({"Engagement": {"engagementId": ENGAGEMENT, "disposition": "Resolved"}})
    ran = run_script("engagement_closed", settings(endpoint.url), by_name={"global_system": whole})
    assert ran.errors() == []
    assert endpoint.only["engagement_id"] == ENGAGEMENT
    assert endpoint.only["variable_form"] == "json"


def test_a_var_get_that_answers_with_json_text_is_read(endpoint: Endpoint) -> None:
    run_script("engagement_closed", json.dumps(flat(endpoint.url, engagementId=ENGAGEMENT)))
    assert endpoint.only["engagement_id"] == ENGAGEMENT


def test_custom_variables_are_found_in_any_group_and_as_objects(endpoint: Endpoint) -> None:
    group = {"zcc_events_url": endpoint.url, "zcc_events_token": f" {TOKEN}\n", "zcc_engagement_id": ENGAGEMENT}
    for variables in ({"global_custom": {"Ours": group}}, {"global_custom": json.dumps({"Ours": group})}, group):
        assert run_script("disposition_saved", variables).errors() == []
    assert [json.loads(body)["engagement_id"] for body in endpoint.bodies] == [ENGAGEMENT] * 3
    assert set(endpoint.tokens) == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("spelling", ["engagementId", "EngagementID", "EngagementId", "engagement_id", "ID"])
@pytest.mark.parametrize("form", ["flat", "object", "json"])
def test_every_spelling_of_the_engagement_id_is_read(endpoint: Endpoint, spelling: str, form: str) -> None:
    run_script("engagement_closed", variables_in(form, endpoint.url, {spelling: ENGAGEMENT}))
    assert endpoint.only["engagement_id"] == ENGAGEMENT


def test_the_first_form_that_holds_something_wins_and_empty_ones_are_passed_over(endpoint: Endpoint) -> None:
    variables = flat(endpoint.url, engagementId=ENGAGEMENT, disposition="", transcript="  ")
    variables["global_system"] = {"Engagement": {"disposition": None, "transcript": []}}
    variables["global_custom.Custom.zcc_disposition"] = "Own"
    run_script("disposition_saved", variables)
    assert endpoint.only["disposition"] == "Own"
    assert endpoint.only["variable_form"] == "custom"
    assert "transcript" not in endpoint.only


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ('[{"text":"hi"}]', "json"),
        ([{"text": "hi"}], "object"),
        ({"messages": [1]}, "object"),
        ("[12:00] hi", "text"),
    ],
)
def test_a_transcript_keeps_its_own_form_and_says_which(endpoint: Endpoint, value: object, kind: str) -> None:
    variables = settings(endpoint.url)
    variables["global_system"] = {"Engagement": {"engagementId": ENGAGEMENT, "transcript": value}}
    run_script("engagement_closed", variables)
    assert endpoint.only["transcript"] == value
    assert endpoint.only["transcript_format"] == kind
    assert read_flow_event(endpoint.bodies[0]).transcript == value


def test_half_an_emoji_at_the_end_of_a_cut_text_does_not_cost_the_event(endpoint: Endpoint) -> None:
    values = {"engagementId": ENGAGEMENT, "disposition": "👋 cut \ud83d", "transcript": "\udc4b"}
    assert run_script("engagement_closed", flat(endpoint.url, **values)).errors() == []
    said = read_flow_event(endpoint.bodies[0])
    assert (said.disposition, said.transcript) == ("👋 cut \ufffd", "\ufffd")


def test_a_voice_engagement_without_transcript_still_sends_disposition_channel_and_flow(endpoint: Endpoint) -> None:
    values = {"engagementId": ENGAGEMENT, "disposition": {"name": "Sale"}, "channel": "voice", "flowName": "Main"}
    run_script("disposition_saved", variables_in("object", endpoint.url, values))
    sent = endpoint.only
    assert (sent["disposition"], sent["channel"], sent["flow_name"]) == ({"name": "Sale"}, "voice", "Main")
    assert "transcript_format" not in sent


def test_the_same_content_has_the_same_key_and_any_other_content_has_another(endpoint: Endpoint) -> None:
    cases: list[tuple[str, dict[str, object]]] = [
        ("engagement_closed", {"disposition": "A"}),
        ("engagement_closed", {"disposition": "A"}),
        ("engagement_closed", {"disposition": "B"}),
        ("engagement_closed", {"transcript": "A"}),
        ("engagement_closed", {}),
        ("disposition_saved", {"disposition": "A"}),
    ]
    for name, values in cases:
        run_script(name, flat(endpoint.url, engagementId=ENGAGEMENT, **values))
    keys = [json.loads(body)["idempotency_key"] for body in endpoint.bodies]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 5
    assert all(key.startswith(ENGAGEMENT) and len(key) <= 200 for key in keys)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"global_custom.Custom.zcc_events_url": ""}, "zcc_events_url"),
        ({"global_custom.Custom.zcc_events_url": "http://example.com/flow-events"}, "zcc_events_url"),
        ({"global_custom.Custom.zcc_events_token": ""}, "zcc_events_token"),
        ({"global_custom.Custom.zcc_events_token": "two\r\nlines"}, "zcc_events_token"),
        ({"global_system.Engagement.engagementId": ""}, "zcc_engagement_id"),
    ],
)
def test_what_is_missing_is_named_in_the_log_and_nothing_is_sent(
    endpoint: Endpoint, change: dict[str, object], reason: str
) -> None:
    ran = run_script("engagement_closed", {**flat(endpoint.url, engagementId=ENGAGEMENT), **change})
    assert ran.thrown is None
    assert ran.posts == []
    assert len(ran.errors()) == 1
    assert reason in ran.errors()[0]


@pytest.mark.parametrize("status", [401, 404, 413, 500, 503])
def test_a_refusal_is_logged_by_its_number_only(endpoint: Endpoint, status: int) -> None:
    endpoint.status = status
    ran = run_script("engagement_closed", flat(endpoint.url, engagementId=ENGAGEMENT, disposition="Secret wish"))
    assert ran.thrown is None
    assert ran.errors() == [f"zcc-pipeline: engagement_closed not sent: HTTP {status}"]
    assert len(endpoint.bodies) == 1


def test_a_receiver_that_is_down_costs_the_flow_nothing() -> None:
    (port,) = free_ports(1)
    ran = run_script("engagement_closed", flat(f"http://127.0.0.1:{port}/flow-events", engagementId=ENGAGEMENT))
    assert ran.thrown is None
    assert ran.errors() == ["zcc-pipeline: engagement_closed not sent: ECONNREFUSED"]


def test_a_slow_receiver_is_left_after_the_time_out(endpoint: Endpoint) -> None:
    endpoint.delay_seconds = 2
    ran = run_script("engagement_closed", flat(endpoint.url, engagementId=ENGAGEMENT), hurry=10)
    assert ran.thrown is None
    assert ran.errors() == ["zcc-pipeline: engagement_closed not sent: ECONNABORTED"]


def test_a_transcript_too_long_for_the_receiver_is_left_to_the_api_and_the_disposition_goes_out(
    endpoint: Endpoint,
) -> None:
    variables = flat(endpoint.url, engagementId=ENGAGEMENT, disposition="A", transcript="ü" * 600_000)
    ran = run_script("engagement_closed", variables)
    assert ran.thrown is None
    assert (
        "warn",
        "zcc-pipeline: the transcript is too long to be sent from a flow; the API will bring it",
    ) in ran.logs
    assert "transcript" not in endpoint.only
    assert endpoint.only["disposition"] == "A"
    variables = flat(endpoint.url, engagementId=ENGAGEMENT, transcript="ü" * 490_000)
    run_script("engagement_closed", variables)
    assert len(endpoint.bodies[1]) < 1024 * 1024
    assert json.loads(endpoint.bodies[1])["transcript"] == "ü" * 490_000


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", [{"var_get_throws": True}, {"post_throws": True}, {"log_throws": True}])
def test_nothing_is_ever_thrown_into_the_flow(endpoint: Endpoint, name: str, order: dict[str, Any]) -> None:
    assert run_script(name, flat(endpoint.url, engagementId=ENGAGEMENT), **order).thrown is None


@pytest.mark.parametrize("variables", [None, "", "[", 7, [], {"global_system": "{broken"}, {"": ""}])
def test_variables_that_make_no_sense_are_survived(variables: object) -> None:
    ran = run_script("disposition_saved", variables)
    assert ran.thrown is None
    assert ran.posts == []
    assert ran.errors()


def test_no_log_line_holds_token_address_or_content(endpoint: Endpoint) -> None:
    variables = flat(endpoint.url, engagementId=ENGAGEMENT, disposition="Secret wish", transcript=TRANSCRIPT)
    said = run_script("engagement_closed", variables).said
    for order in ({"post_throws": True}, {"hurry": 5000}):
        said += run_script("engagement_closed", variables, **order).said
    for hidden in (TOKEN, "127.0.0.1", "Secret", "hello", ENGAGEMENT):
        assert hidden not in said


def test_the_context_offers_nothing_that_zoom_does_not_document(endpoint: Endpoint) -> None:
    names = set(run_script("engagement_closed", flat(endpoint.url, engagementId=ENGAGEMENT)).global_names)
    assert {"var_get", "var_set", "global_var_set", "req", "log"} <= names
    missing = {"fetch", "require", "process", "setTimeout", "Buffer", "console", "URL", "TextEncoder", "crypto"}
    assert not missing & names


def test_both_scripts_are_one_but_for_the_name_of_their_event() -> None:
    closed, saved = ((SCRIPTS / f"{name}.js").read_text(encoding="utf-8") for name in NAMES)
    assert (
        closed.replace('"engagement_closed"', '"disposition_saved"').replace(
            '"Engagement Closed"', '"Disposition Saved"'
        )
        == saved
    )
    assert "require(" not in closed
    assert TOKEN not in closed
