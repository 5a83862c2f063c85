"""Flows whose event script is missing or has fallen silent are named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from zcc_pipeline.reconciliation import FlowState, FlowVisit, check_flows

START = datetime(2026, 11, 20, 9, tzinfo=UTC)


def visits(flow: str, count: int, *, prefix: str = "") -> list[FlowVisit]:
    return [
        FlowVisit(f"{prefix or flow}{number}", flow, flow.title(), START + timedelta(minutes=number))
        for number in range(count)
    ]


def states(found: list[FlowVisit], sent: set[str]) -> dict[str, FlowState]:
    return {script.flow_id: script.state for script in check_flows(found, sent, are_expected=False)}


def test_where_no_flow_ever_sent_an_event_nobody_uses_scripts() -> None:
    assert check_flows(visits("sales", 50), set(), are_expected=False) == []


def test_a_flow_that_never_sent_one_although_others_do_lacks_its_script() -> None:
    found = states(visits("sales", 6) + visits("support", 6), {"sales0", "sales5"})
    assert found == {"sales": FlowState.SENDING, "support": FlowState.MISSING}


def test_where_events_are_expected_and_none_comes_every_flow_lacks_its_script() -> None:
    found = check_flows(visits("sales", 5) + visits("rare", 4), set(), are_expected=True)
    assert [(script.flow_id, script.state) for script in found] == [
        ("rare", FlowState.UNDECIDED),
        ("sales", FlowState.MISSING),
    ]


def test_a_flow_whose_newest_engagements_sent_nothing_is_silent() -> None:
    assert states(visits("sales", 8), {"sales0", "sales1", "sales2"}) == {"sales": FlowState.SILENT}
    assert states(visits("sales", 8), {"sales0", "sales3"}) == {"sales": FlowState.SENDING}


def test_few_engagements_decide_nothing() -> None:
    found = states(visits("sales", 6) + visits("rare", 4), {"sales5"})
    assert found["rare"] is FlowState.UNDECIDED


def test_an_engagement_counts_once_for_each_flow_that_handled_it() -> None:
    both = visits("sales", 5) + visits("sales", 5) + visits("routed", 5, prefix="sales")
    scripts = {script.flow_id: script for script in check_flows(both, {"sales4"}, are_expected=False)}
    assert (scripts["sales"].engagements, scripts["sales"].with_event) == (5, 1)
    assert scripts["routed"].with_event == 1
    assert not scripts["sales"].needs_attention
