"""Batches as they are sent and answers as they are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports.dynamics.multipart import BOUNDARY, CONTENT_TYPE, Operation, decode, encode
from zcc_pipeline.simulator.crm.base import parse_multipart

BODIES = st.dictionaries(st.text(max_size=10), st.text(max_size=60), max_size=4)
ANSWER = (
    b"--r\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n\r\n"
    b"--r\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n\r\n"
    b'{"error":{"code":"0x80072322","message":"slow\\r\\n--r\\r\\n"}}\r\n--r--\r\n'
)


@given(st.lists(BODIES, min_size=1, max_size=5))
def test_every_operation_is_a_part_of_its_own_whatever_it_says(bodies):
    hostile = [{**body, "x": f"\r\n--{BOUNDARY}--\r\n"} for body in bodies]
    parts = parse_multipart(CONTENT_TYPE, encode([Operation("PATCH", "a(1)", body) for body in hostile], "/api"))
    assert len(parts) == len(bodies)
    assert all(part.content.startswith(b"PATCH /api/a(1) HTTP/1.1\r\n") for part in parts)


def test_lines_end_in_crlf_only():
    body = encode([Operation("GET", "contacts?$top=1"), Operation("PATCH", "a(1)", {"b": "c\nd"})], "/api")
    assert body.count(b"\n") == body.count(b"\r\n")


def test_answers_come_in_order_with_code_and_wait():
    first, second = decode("multipart/mixed; boundary=r", ANSWER)
    assert (first.is_success, first.body) == (True, None)
    assert (second.status, second.code, second.retry_after) == (429, "0x80072322", "7")
    assert second.message == "slow\r\n--r\r\n"


@pytest.mark.parametrize("body", [b"", b"--r\r\n", ANSWER[:-6], ANSWER.replace(b"HTTP/1.1 204", b"nonsense")])
def test_an_answer_that_is_cut_off_or_none_is_not_believed(body):
    with pytest.raises(ValueError, match=r"boundary|cut off|status"):
        decode("multipart/mixed; boundary=r", body)


def test_without_a_boundary_there_is_no_answer():
    with pytest.raises(ValueError, match="boundary"):
        decode("application/json", ANSWER)
