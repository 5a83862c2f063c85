"""What every CRM's stand-in inherits: routes, tokens, limits, faults, silence, counters and control."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.simulator.crm.base import (
    Answer,
    Credentials,
    CrmOptions,
    CrmStandIn,
    Exceeded,
    Faults,
    Limit,
    Person,
    RefusedError,
    Request,
    Route,
    RunningStandIn,
    empty,
    json_answer,
    parse_multipart,
    read_grant,
    running,
)
from zcc_pipeline.simulator.crm.base.answers import MalformedBodyError

CREDENTIALS = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"}


class Shelf(CrmStandIn):
    """The smallest CRM there is: things under keys."""

    name = "shelf"

    def set_up(self) -> None:
        self.things: dict[str, Any] = {}
        self.people: list[Person] = []

    def routes(self) -> Sequence[Route]:
        return [
            Route("POST", "/token", self._token, needs_token=False),
            Route("GET", "/things/{key}", self._read),
            Route("PUT", "/things/{key}", self._write, writes=True),
            Route("GET", "/things/all", self._all, label="search"),
            Route("PATCH", "/data/{set}({key})", self._odata, writes=True),
            Route("GET", "/data/{set}", self._odata),
            Route("POST", "/batch", self._batch, writes=True),
        ]

    def _token(self, request: Request) -> Answer:
        if not self.accepts(read_grant(request)):
            raise RefusedError(json_answer({"error": "invalid_client"}, status=401))
        return json_answer({"access_token": self.tokens.issue().value, "expires_in": self.tokens.lifetime_seconds})

    def _read(self, request: Request) -> Answer:
        return json_answer(self.things.get(request.values["key"]))

    def _all(self, _request: Request) -> Answer:
        return json_answer(self.things)

    def _write(self, request: Request) -> Answer:
        key = request.values["key"]
        if self.faults.refuses(key, request.body.decode("latin-1")):
            self.counters.changes["refused"] += 1
            raise RefusedError(json_answer({"error": "refused"}, status=422))
        self.things[key] = request.json_object()
        return empty()

    def _odata(self, request: Request) -> Answer:
        return json_answer(dict(request.values))

    def _batch(self, request: Request) -> Answer:
        answers = [
            self.inner(request.inner(each["method"], each["url"], headers={}, body=each["body"].encode()))
            for each in request.content
        ]
        wrote = any(each["method"] != "GET" for each in request.content)
        return Answer(json_answer([answer.status for answer in answers]).body, wrote=wrote)

    def add_person(self, person: Person) -> None:
        self.people.append(person)

    def records(self) -> Any:
        things = [{"key": key, "fields": fields} for key, fields in self.things.items()]
        return {"things": things, "people": [person.name for person in self.people]}

    def unauthorized(self, request: Request) -> Answer:
        return json_answer({"error": "token"}, status=401)

    def limited(self, request: Request, exceeded: Exceeded) -> Answer:
        headers = {"retry-after": f"{exceeded.retry_after:g}"}
        return json_answer({"error": exceeded.kind, "label": exceeded.label}, status=429, headers=headers)

    def not_found(self, request: Request) -> Answer:
        return json_answer({"methods": sorted(self.methods(request))}, status=404)

    def unavailable(self, request: Request) -> Answer:
        return json_answer({"error": "unavailable"}, status=503)

    def malformed(self, request: Request, problem: str) -> Answer:
        return json_answer({"error": problem}, status=400)

    def answer_headers(self, request: Request) -> dict[str, str]:
        return {"x-calls": str(self.calls_today)}


class Caller:
    """A plain client: one call in, one answer out."""

    def __init__(self, place: RunningStandIn) -> None:
        self.shelf = place.standin
        self.http = httpx.Client(base_url=place.url, timeout=60)
        self.renew()

    def renew(self) -> None:
        self.token = self.http.post("/token", data=CREDENTIALS).json()["access_token"]

    def call(self, method: str, path: str, **others: Any) -> httpx.Response:
        return self.http.request(method, path, headers={"authorization": f"Bearer {self.token}"}, **others)

    def put(self, key: str, **thing: Any) -> httpx.Response:
        return self.call("PUT", f"/things/{key}", json=thing)

    def get(self, key: str) -> httpx.Response:
        return self.call("GET", f"/things/{key}")

    def control(self, name: str, **body: Any) -> Any:
        answer = self.http.post(f"/_control/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> Any:
        return self.http.get("/_control/state").json()


@contextmanager
def shelf(**options: Any) -> Iterator[Caller]:
    with running(Shelf(CrmOptions(**options))) as place:
        caller = Caller(place)
        try:
            yield caller
        finally:
            caller.http.close()


def test_what_is_written_is_read_and_every_call_is_counted() -> None:
    with shelf() as caller:
        assert caller.put("a", size=1).status_code == 204
        assert caller.get("a").json() == {"size": 1}
        state = caller.state()
    assert (state["api_calls"], state["writes"]) == (2, 1)
    assert state["by_route"] == {"POST /token": 1, "PUT /things/{key}": 1, "GET /things/{key}": 1}
    assert state["by_status"] == {"200": 2, "204": 1}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/data/calls(zcc='e1')", {"set": "calls", "key": "zcc='e1'"}),
        ("/data/calls(zcc='a%2Fb%28%29%27%27')", {"set": "calls", "key": "zcc='a/b()'''"}),
        ("/data/calls(zcc='(x)')", {"set": "calls", "key": "zcc='(x)'"}),
    ],
)
def test_keys_in_brackets_arrive_decoded_whatever_they_hold(path: str, values: dict[str, str]) -> None:
    with shelf() as caller:
        assert caller.call("PATCH", path).json() == values


def test_literal_paths_win_over_placeholders_and_unknown_ones_are_told_apart_from_wrong_methods() -> None:
    with shelf() as caller:
        assert caller.call("GET", "/things/all").json() == {}
        assert caller.call("GET", "/data/contacts").json() == {"set": "contacts"}
        assert caller.call("POST", "/things/a").json() == {"methods": ["GET", "PUT"]}
        assert caller.call("GET", "/nowhere").json() == {"methods": []}


def test_tokens_are_needed_expire_and_can_be_revoked() -> None:
    moment = [0.0]
    with shelf(token_seconds=60, monotonic=lambda: moment[0]) as caller:
        assert caller.http.get("/things/a").status_code == 401
        assert caller.get("a").status_code == 200
        moment[0] = 60
        assert caller.get("a").status_code == 401
        caller.renew()
        assert caller.get("a").status_code == 200
        assert caller.control("revoke-tokens") == {"revoked": 2}
        assert caller.get("a").status_code == 401
        assert caller.state()["tokens_refused"] == 3


def test_a_token_dies_after_so_many_calls_and_a_new_one_lives_as_long() -> None:
    with shelf(faults=Faults(token_dies_after=2)) as caller:
        assert [caller.get("a").status_code for _ in range(3)] == [200, 200, 401]
        caller.renew()
        assert [caller.get("a").status_code for _ in range(3)] == [200, 200, 401]


@pytest.mark.parametrize(
    "how",
    [
        {"data": CREDENTIALS},
        {"json": CREDENTIALS},
        {
            "data": {"grant_type": "client_credentials"},
            "headers": {"authorization": "Basic " + base64.b64encode(b"id:secret").decode()},
        },
    ],
)
def test_credentials_are_read_from_a_form_from_json_and_from_the_header(how: dict[str, Any]) -> None:
    with shelf(credentials=Credentials("id", "secret")) as caller:
        assert caller.http.post("/token", **how).status_code == 200


def test_wrong_credentials_are_refused_where_some_were_agreed_on() -> None:
    with shelf(credentials=Credentials("id", "secret")) as caller:
        assert caller.http.post("/token", data=CREDENTIALS | {"client_secret": "x"}).status_code == 401


def test_a_rolling_window_refuses_what_is_too_much_and_says_when_it_passes() -> None:
    moment = [100.0]
    with shelf(limits={"api": Limit(2, 10)}, monotonic=lambda: moment[0]) as caller:
        assert caller.get("a").status_code == 200
        moment[0] += 4
        assert caller.get("a").status_code == 200
        refused = caller.get("a")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "6")
        assert caller.call("GET", "/things/all").status_code == 200  # another label
        moment[0] += 6
        assert [caller.get("a").status_code for _ in range(2)] == [200, 429]
        assert caller.state()["limited"] == 2


def test_more_calls_at_once_than_allowed_are_refused() -> None:
    with shelf(calls_at_once=1, faults=Faults(hold_write=1)) as caller:
        held = threading.Thread(target=caller.put, args=("a",))
        held.start()
        wait_for(lambda: caller.state()["held"] == 1)
        refused = caller.get("a")
        caller.control("release")
        held.join()
        assert (refused.status_code, refused.json()["error"]) == (429, "concurrency")
        assert caller.state()["most_at_once"] == 2


def test_a_storm_ends_by_itself_and_a_day_s_cap_does_not() -> None:
    with shelf(faults=Faults(storm_429=2, retry_after_seconds=0.5)) as caller:
        answers = [caller.get("a") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [429, 429, 200]
        assert answers[0].headers["retry-after"] == "0.5"
        caller.control("faults", daily_cap=1)
        assert [caller.get("a").status_code for _ in range(3)] == [200, 429, 429]
        assert caller.get("a").json()["error"] == "daily"
        caller.control("faults")
        assert caller.get("a").status_code == 200


def test_a_broken_server_did_nothing() -> None:
    with shelf(faults=Faults(fail_5xx=1)) as caller:
        assert caller.put("a").status_code == 503
        assert caller.shelf.things == {}
        assert caller.put("a").status_code == 204


@pytest.mark.parametrize(("when", "is_there"), [("timeout_after_commit", True), ("timeout_before_commit", False)])
def test_an_answer_that_never_comes_says_nothing_about_what_was_done(when: str, is_there: bool) -> None:
    with shelf() as caller:
        caller.control("faults", **{when: [2]})
        caller.put("a")
        with pytest.raises(httpx.TransportError):
            caller.put("b")
        assert ("b" in caller.shelf.things) is is_there
        caller.put("c")
        state = caller.state()
    assert state["unanswered"] == 1
    assert state["writes"] == (3 if is_there else 2)


def test_silence_may_also_last_until_the_caller_gives_up() -> None:
    with shelf(faults=Faults(timeout_after_commit=[1], silence="hang")) as caller:
        with pytest.raises(httpx.ReadTimeout):
            caller.call("PUT", "/things/a", json={}, timeout=httpx.Timeout(60, read=0.3))
        assert caller.get("a").json() == {}


@pytest.mark.parametrize(("when", "is_there"), [("before", False), ("after", True)])
def test_a_write_is_held_before_or_after_it_is_done_until_released(when: str, is_there: bool) -> None:
    with shelf(faults=Faults(hold_write=2, hold_when=when)) as caller:
        caller.put("a")
        held = threading.Thread(target=caller.put, args=("b",))
        held.start()
        wait_for(lambda: caller.state()["held"] == 1)
        assert ("b" in caller.shelf.things) is is_there
        caller.control("release")
        held.join()
        assert set(caller.shelf.things) == {"a", "b"}
        assert caller.state()["held"] == 0


def test_the_same_share_of_records_is_refused_every_time() -> None:
    keys = [f"engagement-{number}" for number in range(2000)]
    refused = {key for key in keys if Faults(refuse_share=0.1).refuses(key)}
    assert 150 < len(refused) < 250
    assert refused == {key for key in keys if Faults(refuse_share=0.1).refuses(key)}
    assert refused < {key for key in keys if Faults(refuse_share=0.2).refuses(key)}
    assert Faults(refuse_keys=["a"]).refuses("a")
    assert Faults(refuse_where="x").refuses("a", "fox")
    assert not Faults(refuse_where="x").refuses("x", "fog")
    with shelf(faults=Faults(refuse_keys=["a"])) as caller:
        assert caller.put("a").status_code == 422
        assert caller.state()["changes"] == {"refused": 1}
        assert caller.state()["writes"] == 0


def test_a_batch_is_one_call_and_a_batch_of_reads_writes_nothing() -> None:
    with shelf(limits={"api": Limit(2, 60)}) as caller:
        write = {"method": "put", "url": "/things/a", "body": "{}"}
        read = {"method": "GET", "url": "/things/a", "body": ""}
        lost = {"method": "GET", "url": "/nowhere", "body": ""}
        assert caller.call("POST", "/batch", json=[write, read, lost]).json() == [204, 200, 404]
        assert caller.call("POST", "/batch", json=[read]).json() == [200]
        state = caller.state()
    assert (state["api_calls"], state["writes"]) == (2, 1)
    assert state["by_route"]["inner PUT /things/{key}"] == 1


def test_a_body_that_is_not_what_the_handler_reads_gets_the_crm_s_own_refusal() -> None:
    with shelf() as caller:
        for body in (b"{", b"[]", b"\xff"):
            assert caller.call("PUT", "/things/a", content=body).status_code == 400


def test_an_error_of_the_stand_in_itself_is_a_500_that_tests_hear_of(caplog: pytest.LogCaptureFixture) -> None:
    with shelf() as caller:
        assert caller.call("POST", "/batch", json=[{}]).status_code == 500
        assert caller.state()["crashes"] == ["POST /batch: KeyError: 'method'"]
    caplog.clear()


def test_answers_carry_what_is_left_of_the_quota() -> None:
    with shelf() as caller:
        assert [caller.get("a").headers["x-calls"] for _ in range(2)] == ["1", "2"]


def test_control_seeds_people_changes_limits_and_resets_counters() -> None:
    with shelf(people=(Person("Ada", "ada@example.com"),)) as caller:
        assert caller.control("people", people=[{"name": "Bo", "phone": "+41 44 668 18 00"}]) == {"added": 1}
        assert caller.http.get("/_control/records").json() == {"things": [], "people": ["Ada", "Bo"]}
        caller.control("limits", limits={"api": {"calls": 1, "seconds": 60}})
        assert [caller.get("a").status_code for _ in range(2)] == [200, 429]
        assert caller.control("reset-counters")["api_calls"] == 0


def test_control_tells_which_record_holds_a_value_and_how_many_there_are() -> None:
    with shelf() as caller:
        caller.put("a", engagement="e1")
        caller.put("b", engagement="e2")
        caller.put("c", engagement="e2")
        found = caller.http.get("/_control/record", params={"holds": "e1"}).json()
        assert found == {"kind": "things", "record": {"key": "a", "fields": {"engagement": "e1"}}}
        assert caller.http.get("/_control/record", params={"holds": "e9"}).status_code == 404
        assert caller.control("holding", values=["e1", "e2", "e9"]) == {"once": 1, "several": 1, "missing": 1}


def test_control_refuses_what_it_does_not_know() -> None:
    with shelf() as caller:
        assert caller.http.post("/_control/nothing").status_code == 404
        for name, body in (("faults", {"tomorrow": 1}), ("faults", {"storm_429": "x"}), ("limits", {}), ("people", [])):
            assert caller.http.post(f"/_control/{name}", json=body).status_code == 422


def test_a_stand_in_started_again_holds_what_it_held(tmp_path: Path) -> None:
    journal = tmp_path / "crm" / "shelf.journal"
    with shelf(journal=journal) as caller:
        caller.put("a", text="ü\n")
        caller.control("people", people=[{"name": "Ada"}])
        caller.put("b", size=2)
        held = caller.shelf.records()
    with journal.open("ab") as file:
        file.write(b"\0\0\1\0torn")
    with shelf(journal=journal) as caller:
        assert caller.shelf.records() == held
        assert caller.state()["api_calls"] == 0
        assert caller.state()["changes"] == {}
        caller.put("c")
    assert set(Shelf(CrmOptions(journal=journal)).things) == {"a", "b", "c"}
    assert b"sim." not in journal.read_bytes()


def test_only_loopback_is_served() -> None:
    for host in ("0.0.0.0", "192.0.2.1", "example.com"):  # noqa: S104 - that it is refused
        with pytest.raises(ConfigurationError, match="loopback"), running(Shelf(), host=host):
            pass


def test_form_data_and_mixed_bodies_are_read_part_by_part() -> None:
    sent = httpx.Request(
        "POST",
        "http://x/",
        files={"entity": (None, b'{"a":1}', "application/json"), "file": ('ü "q".txt', b"\r\n--x\r\n", "text/plain")},
    )
    entity, file = parse_multipart(sent.headers["content-type"], sent.read())
    assert (entity.name, entity.file_name, entity.media_type, entity.content) == (
        "entity",
        "",
        "application/json",
        b'{"a":1}',
    )
    assert (file.name, file.file_name, file.content) == ("file", 'ü "q".txt', b"\r\n--x\r\n")
    mixed = b"--b\r\nContent-Type: application/http\r\n\r\nGET / HTTP/1.1\r\n\r\n--b\r\n\r\nbare\r\n--b--\r\n"
    first, second = parse_multipart("multipart/mixed; boundary=b", mixed)
    assert (first.media_type, first.content) == ("application/http", b"GET / HTTP/1.1\r\n")
    assert (second.headers, second.content) == ({}, b"bare")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"--b\r\n\r\nx\r\n--b--"),
        ("multipart/mixed", b"--b\r\n\r\nx\r\n--b--"),
        ("multipart/mixed; boundary=b", b"--b\r\n\r\nx\r\n"),
        ("multipart/mixed; boundary=b", b"--b\n\nx\n--b--"),
        ("multipart/mixed; boundary=b", b"--b\r\nContent-Type: a/b\r\n--b--"),
    ],
)
def test_broken_multipart_bodies_are_malformed(content_type: str, body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        parse_multipart(content_type, body)


def wait_for(is_so: Any) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
