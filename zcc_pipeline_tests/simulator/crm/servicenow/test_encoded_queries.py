"""The encoded queries of the stand-in's instance."""

from __future__ import annotations

import pytest

from zcc_pipeline.simulator.crm.servicenow.encoded_query import (
    Condition,
    MalformedQueryError,
    ScriptInQueryError,
    matches,
    parse,
)

ROW = {"name": "Ada Byron", "email": "ada@example.com", "phone": "+49 30 901820", "active": "true", "note": "a^b"}


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("email=ADA@example.com", True),
        ("email!=ada@example.com", False),
        ("email=x^ORphoneLIKE901820", True),
        ("email=x^ORphoneLIKE901820^active=false", False),
        ("email=x^NQname=ada byron", True),
        ("nameINAda,Ada Byron", True),
        ("nameSTARTSWITHada^nameENDSWITHron", True),
        ("phoneISEMPTY", False),
        ("phoneISNOTEMPTY", True),
        ("note=a^^b", True),
        ("active=true^ORDERBYname", True),
        ("nameNOT INAda,Eve", True),
    ],
)
def test_conditions_alternatives_and_other_queries_are_told_apart(query: str, holds: bool) -> None:
    assert matches(parse(query), ROW.get, drop_invalid=True) is holds


def test_a_condition_on_a_column_that_does_not_exist_is_dropped_unless_the_instance_is_strict() -> None:
    query = parse("u_mistyped=x^active=true")
    assert matches(query, ROW.get, drop_invalid=True)
    assert not matches(query, ROW.get, drop_invalid=False)


def test_a_value_ends_at_a_caret_whatever_its_sender_meant() -> None:
    query = parse("email=x^ORactive=true")
    assert query.branches == (((Condition("email", "=", "x"), Condition("active", "=", "true")),),)


@pytest.mark.parametrize("query", ["email=javascript:gs.getUserID()", "email= JavaScript:x", "assigned_toDYNAMIC90d1"])
def test_scripts_are_refused_where_the_platform_would_run_them(query: str) -> None:
    with pytest.raises(ScriptInQueryError):
        parse(query)


@pytest.mark.parametrize("query", ["email", "=x", "ORa=b", "ORDERBY", "Email=x", "email~x"])
def test_what_the_platform_would_skip_is_an_error_here(query: str) -> None:
    with pytest.raises(MalformedQueryError):
        parse(query)
