"""May it be erased now? Never while it is held, never before its last day is over, whatever the clock did."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.archive.erasure import CLOCK_TOLERANCE, Ground, decide_erasure
from zcc_pipeline.archive.holds import Standings
from zcc_pipeline.archive.ledger import Action, Entry, Logged
from zcc_pipeline.archive.retention import lapses_at

START = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = date(2026, 12, 1)
OVER = datetime(2026, 12, 2, 12, tzinfo=UTC)
DAY = START.date()


def entry(action: Action, object_id: str | None = "a", **values: object) -> Entry:
    head = {"version": 1, "day": DAY} if action == Action.CREATE else {}
    return Entry(action, "svc", "run", object_id=object_id, **(head | values))  # type: ignore[arg-type]


def standings(*entries: Entry, at: datetime = START) -> Standings:
    return Standings.read(Logged(seq, at, each) for seq, each in enumerate(entries))


def ground(found: Standings, now: datetime = OVER) -> Ground:
    decision = decide_erasure(found, "a", now=now)
    assert decision.is_allowed == (decision.ground is Ground.RETENTION_PASSED)
    return decision.ground


CREATED = entry(Action.CREATE, retain_until=UNTIL, retention_class="standard")


def test_it_may_go_once_its_last_day_is_over_everywhere() -> None:
    assert ground(standings(CREATED), OVER - timedelta(microseconds=1)) is Ground.RETENTION_DUTY
    assert ground(standings(CREATED), OVER) is Ground.RETENTION_PASSED


def test_a_refusal_says_until_when_of_which_class_and_for_which_matters() -> None:
    held = standings(CREATED, entry(Action.HOLD_ON, matter="M-2"), entry(Action.HOLD_ON, None, day=DAY, matter="M-1"))
    decision = decide_erasure(held, "a", now=OVER)

    assert (decision.ground, decision.matters) == (Ground.LEGAL_HOLD, ("M-2", "M-1"))
    assert (decision.retain_until, decision.retention_class) == (UNTIL, "standard")


def test_what_was_never_archived_or_is_gone_or_has_no_date_is_not_erased() -> None:
    assert ground(standings()) is Ground.NOT_ARCHIVED
    assert ground(standings(CREATED, entry(Action.PURGE))) is Ground.ALREADY_PURGED
    assert ground(standings(entry(Action.CREATE))) is Ground.RETENTION_UNKNOWN


def test_what_is_held_is_not_erased_even_where_it_was_never_archived() -> None:
    assert ground(standings(entry(Action.HOLD_ON, matter="M-1"))) is Ground.LEGAL_HOLD


def test_a_clock_behind_the_ledger_decides_nothing() -> None:
    later = standings(CREATED, at=OVER + timedelta(days=365))

    assert ground(later, OVER + timedelta(days=1)) is Ground.CLOCK_BEHIND_LEDGER
    assert ground(later, OVER + timedelta(days=365) - CLOCK_TOLERANCE) is Ground.RETENTION_PASSED


def test_a_clock_that_was_once_ahead_lets_nothing_go_early_after_it_was_put_right() -> None:
    ahead = standings(CREATED, entry(Action.ADD_VERSION, version=2), at=OVER + timedelta(days=3650))

    assert ground(ahead, START + timedelta(days=1)) is Ground.RETENTION_DUTY


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "release", "hold day", "release day", "extend", "create", "purge", "verify"]),
        st.integers(0, 2),
        st.integers(0, 800),
    ),
    max_size=30,
)


def apply(step: Step) -> Entry:
    """One thing that may happen, as the ledger says it; the object is of ``DAY`` or of the day after it."""
    what, number, days = step
    matter, day = f"M-{number}", DAY + timedelta(days=number)
    until = DAY + timedelta(days=days)
    match what:
        case "hold" | "release":
            return entry(Action.HOLD_ON if what == "hold" else Action.HOLD_OFF, matter=matter)
        case "hold day" | "release day":
            return entry(Action.HOLD_ON if what == "hold day" else Action.HOLD_OFF, None, day=day, matter="M-0")
        case "extend":
            return entry(Action.EXTEND, retain_until=until)
        case "create":
            return entry(Action.CREATE, retain_until=until if number else None)
        case "purge":
            return entry(Action.PURGE)
    return entry(Action.VERIFY, None)


def forbids(steps: list[Step], now: datetime) -> bool:
    """The same rules, told a second way: a hold or a promise that stands, looked for from behind."""
    last: dict[tuple[str, int], bool] = {}
    for what, number, _ in steps:
        if what in {"hold", "release"}:
            last["object", number] = what == "hold"
        elif what in {"hold day", "release day"}:
            last["day", number] = what == "hold day"
    has_day = any(what == "create" for what, _, _ in steps)
    is_held = any(held for (kind, number), held in last.items() if kind == "object" or number == 0 or not has_day)
    promised = [
        DAY + timedelta(days=days) for what, number, days in steps if what == "extend" or (what == "create" and number)
    ]
    return is_held or not promised or any(now < lapses_at(each) for each in promised)


@given(
    steps=STEPS,
    jumps=st.lists(st.integers(-400, 400), max_size=30),
    now_days=st.integers(-400, 1200),
)
def test_nothing_is_ever_erased_while_held_or_before_the_end_of_any_promise(
    steps: list[Step], jumps: list[int], now_days: int
) -> None:
    clock = time = START
    logged = []
    for seq, step in enumerate(steps):
        clock += timedelta(days=jumps[seq] if seq < len(jumps) else 0)
        time = max(time, clock)
        logged.append(Logged(seq, time, apply(step)))
    now = START + timedelta(days=now_days)
    decision = decide_erasure(Standings.read(logged), "a", now=now)

    assert decision.is_allowed == (decision.ground is Ground.RETENTION_PASSED)
    if forbids(steps, now):
        assert not decision.is_allowed
    if logged and now + CLOCK_TOLERANCE < time:
        assert not decision.is_allowed
    if decision.is_allowed:
        assert decision.matters == ()
        assert decision.retain_until is not None
        assert now >= lapses_at(decision.retain_until)


@given(steps=STEPS)
def test_what_neither_duty_nor_hold_forbids_may_go_in_the_end(steps: list[Step]) -> None:
    end = [("create", 1, 1), *[("release", number, 0) for number in range(3)]]
    end += [("release day", number, 0) for number in range(3)]
    logged = [Logged(seq, START, apply(step)) for seq, step in enumerate([*steps, *end])]

    assert decide_erasure(Standings.read(logged), "a", now=START + timedelta(days=900)).is_allowed
