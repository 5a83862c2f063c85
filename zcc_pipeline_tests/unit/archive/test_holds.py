"""Holds as the ledger has them: each ends by its own release and by nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from zcc_pipeline.archive.holds import HoldPlan, Scope, Standings, plan_hold, plan_release
from zcc_pipeline.archive.ledger import Action, Entry, Logged
from zcc_pipeline.domain.errors import PermanentError

MONDAY, TUESDAY = date(2026, 11, 2), date(2026, 11, 3)
START = datetime(2026, 11, 1, tzinfo=UTC)


class Told:
    """A ledger that only numbers and dates what it is told."""

    def __init__(self) -> None:
        self.logged: list[Logged] = []

    def add(self, *entries: Entry) -> None:
        for entry in entries:
            seq = len(self.logged)
            self.logged.append(Logged(seq, START + timedelta(hours=seq), entry))

    def create(self, object_id: str, *, day: date | None = MONDAY, until: date | None = None, name: str = "a") -> None:
        self.add(
            Entry(
                Action.CREATE,
                "svc",
                "run",
                object_id=object_id,
                version=1,
                day=day,
                retain_until=until,
                retention_class=name if until else None,
            )
        )

    def hold(self, *object_ids: str, days: Sequence[date] = (), matter: str = "M-1") -> HoldPlan:
        plan = plan_hold(self.standings, Scope(object_ids, tuple(days)), matter=matter, actor="legal", run_id="r")
        self.add(*plan.entries)
        return plan

    def release(self, *object_ids: str, days: Sequence[date] = (), matter: str = "M-1") -> HoldPlan:
        plan = plan_release(self.standings, Scope(object_ids, tuple(days)), matter=matter, actor="legal", run_id="r")
        self.add(*plan.entries)
        return plan

    @property
    def standings(self) -> Standings:
        return Standings.read(self.logged)

    def matters_of(self, object_id: str) -> list[str]:
        return [hold.matter for hold in self.standings.holds_of(object_id)]


@pytest.fixture
def told() -> Told:
    told = Told()
    told.create("a")
    told.create("b", day=TUESDAY)
    return told


def test_a_hold_is_told_with_its_matter_its_actor_its_time_and_its_entry(told: Told) -> None:
    told.hold("a")

    (hold,) = told.standings.holds_of("a")
    assert (hold.matter, hold.actor, hold.since, hold.seq, hold.day) == (
        "M-1",
        "legal",
        START + timedelta(hours=2),
        2,
        None,
    )
    assert told.matters_of("b") == []


def test_an_object_is_free_only_when_every_matter_has_released_it(told: Told) -> None:
    told.hold("a", matter="M-1")
    told.hold("a", matter="M-2")

    told.release("a", matter="M-1")
    assert told.matters_of("a") == ["M-2"]
    told.release("a", matter="M-2")
    assert told.matters_of("a") == []


def test_a_hold_of_a_day_holds_what_is_there_and_what_is_archived_of_that_day_later(told: Told) -> None:
    told.hold(days=[MONDAY])
    told.create("late", day=MONDAY)

    assert told.matters_of("a") == told.matters_of("late") == ["M-1"]
    assert told.matters_of("b") == []


def test_an_object_of_a_day_that_nobody_knows_is_held_by_every_held_day(told: Told) -> None:
    told.create("undated", day=None)
    told.hold(days=[TUESDAY])

    assert told.matters_of("undated") == ["M-1"]
    assert told.matters_of("not archived") == ["M-1"]
    assert told.standings.holds_of("not archived", MONDAY) == ()


def test_releasing_a_day_does_not_release_an_object_and_the_other_way_round(told: Told) -> None:
    told.hold("a", days=[MONDAY])

    told.release(days=[MONDAY])
    assert [hold.day for hold in told.standings.holds_of("a")] == [None]
    told.hold(days=[MONDAY])
    told.release("a")
    assert [hold.day for hold in told.standings.holds_of("a")] == [MONDAY]


def test_holding_again_writes_nothing_and_keeps_the_first_time(told: Told) -> None:
    told.hold("a", days=[MONDAY])
    again = told.hold("a", "a", days=[MONDAY])

    assert again.entries == ()
    assert again.unchanged == Scope(("a",), (MONDAY,))
    assert len(told.standings.holds_of("a")) == 2


def test_releasing_what_another_matter_holds_writes_nothing_and_says_so(told: Told) -> None:
    told.hold("a", matter="M-2")
    plan = told.release("a", matter="M-1")

    assert (plan.entries, plan.unchanged) == ((), Scope(("a",)))
    assert told.matters_of("a") == ["M-2"]


def test_an_engagement_that_is_not_archived_yet_can_be_held(told: Told) -> None:
    told.hold("soon")
    told.create("soon")

    standing = told.standings.of("soon")
    assert standing is not None
    assert [hold.matter for hold in standing.holds] == ["M-1"]


def test_a_hold_on_what_is_purged_comes_too_late_and_is_told(told: Told) -> None:
    told.add(Entry(Action.PURGE, "svc", "run", object_id="a"))
    plan = told.hold("a", "b")

    assert plan.purged == ("a",)
    assert [entry.object_id for entry in plan.entries] == ["b"]
    assert told.standings.is_purged("a")
    assert not told.standings.is_archived("a")


def test_of_all_dates_that_were_promised_the_latest_stands(told: Told) -> None:
    told.create("c", until=date(2030, 1, 1), name="long")
    for until in (date(2028, 1, 1), date(2031, 1, 1), date(2029, 1, 1)):
        told.add(
            Entry(Action.EXTEND, "svc", "run", object_id="c", retain_until=until, retention_class=f"in-{until.year}")
        )

    standing = told.standings.of("c")
    assert standing is not None
    assert (standing.retain_until, standing.retention_class) == (date(2031, 1, 1), "in-2031")


def test_what_a_matter_holds_is_told_by_matter(told: Told) -> None:
    told.hold("b", "a", days=[TUESDAY], matter="M-2")
    told.hold("a", matter="M-1")
    told.hold("b", matter="M-3")
    told.release("b", matter="M-3")

    assert told.standings.matters() == {"M-1": Scope(("a",)), "M-2": Scope(("a", "b"), (TUESDAY,))}


@pytest.mark.parametrize(("matter", "actor"), [("Smith against us", "legal"), ("", "legal"), ("M-1", "Jo Smith")])
def test_words_that_could_name_a_person_are_refused(told: Told, matter: str, actor: str) -> None:
    with pytest.raises(PermanentError, match="no spaces"):
        plan_hold(told.standings, Scope(("a",)), matter=matter, actor=actor, run_id="r")
    with pytest.raises(PermanentError, match="no spaces"):
        plan_release(told.standings, Scope(("a",)), matter=matter, actor=actor, run_id="r")


def test_a_hold_stands_in_the_ledger_as_it_was_read(told: Told) -> None:
    from zcc_pipeline.archive.ledger.entry import decode, encode

    told.hold("a", days=[TUESDAY])
    told.create("c", until=date(2030, 1, 1), name="long")

    assert [decode(encode(logged)) for logged in told.logged] == told.logged
