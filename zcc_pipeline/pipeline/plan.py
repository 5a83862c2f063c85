"""What reading a range of days will cost, said before it starts.

Counts come from Zoom itself where it can be asked: one call for each dataset and month tells the total. Where it
cannot, the days already read stand for the others. What nothing announces (surveys, recordings, file sizes) follows
from the shares seen in those days, or from an assumption that is stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS, ENGAGEMENT_LOG, Dataset, Reading
from zcc_pipeline.domain.errors import PermanentError, TransientError
from zcc_pipeline.domain.window import Window, day_window, iter_days
from zcc_pipeline.pipeline.late_closers import LEDGER_NAME, days_within_reach
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.pipeline.reaching import ask_for_token
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.zoom_api import FurtherListing, PlanCost, ZoomApi, plan_cost

PROBED_SPAN = timedelta(days=28)
"""The longest window that Zoom answers in every month."""

TYPICAL_DAYS = 35
"""How far back the ledgers are looked at for what a day usually holds."""

CHANNELS = ("voice", "video", "messaging", "email")


@dataclass(slots=True)
class Shape:
    """What the range holds: totals over all its days."""

    engagements: int = 0
    by_channel: dict[str, int] = field(default_factory=dict)
    voice_calls: int = 0
    voicemails: int = 0


@dataclass(frozen=True, slots=True)
class Habits:
    """Shares seen in the days already read; None where nothing has been seen."""

    days: int
    per_day: Mapping[str, float]
    in_catalogues: Mapping[str, int]
    """Entries of each reference list when it was last read whole."""
    surveys_per_engagement: float | None
    recordings_per_call: float | None
    bytes_per_file: Mapping[ArtefactKind, float]


@dataclass(slots=True)
class Plan:
    """The cost of a range, and what the figures rest on."""

    first: date
    last: date
    days: int
    basis: str
    assumptions: list[str]
    records: dict[str, int]
    cost: PlanCost
    seconds: float
    file_bytes: int | None
    probe_calls: int
    heavy_spent_today: int


def plan(runtime: Runtime, first: date, last: date) -> Plan:
    """Estimate the cost of a run for those days: of pulling them, and of looking for what closed late.

    Raises ``PermanentError`` where Zoom cannot be asked and no day was ever read, so that there is nothing to go by.
    """
    days = (last - first).days + 1
    habits = _habits(runtime)
    shape, basis, calls = run(_probe(runtime, first, last)) if runtime.config.credentials else (None, "", 0)
    if shape is None:
        if not habits.days:
            raise PermanentError(
                "nothing to estimate from: no day has been read yet, and Zoom cannot be asked "
                f"({basis or 'no credentials are set'}). `zcc doctor` says what is missing."
            )
        because = f"; Zoom could not be asked: {basis}" if basis else ""
        read = "the day" if habits.days == 1 else f"the mean of {habits.days} days"
        shape, basis = _shape_from(habits, days), f"{read} already read{because}"
    records, assumptions = _records(shape, habits)
    log = _log_of_ends(runtime, first, last, ceil(shape.engagements / days))
    cost = plan_cost(
        {name: _a_day(name, count, days) for name, count in records.items()},
        runtime.config.zoom,
        days=days,
        further=log,
    )
    records |= {listing.name: listing.records_per_day * listing.days for listing in log}
    return Plan(
        first=first,
        last=last,
        days=days,
        basis=basis,
        assumptions=assumptions,
        records=records,
        cost=cost,
        seconds=sum(cost.seconds_by_label.values()),
        file_bytes=_file_bytes(records, habits),
        probe_calls=calls,
        heavy_spent_today=runtime.state.budget.spent_daily(runtime.clock.now().date()),
    )


def _a_day(name: str, count: int, days: int) -> int:
    """Of a whole range on one of its days; reference lists are read whole, once."""
    return count if DATASETS[name].reading is Reading.CATALOGUE else ceil(count / days)


def _log_of_ends(runtime: Runtime, first: date, last: date, engagements_per_day: int) -> list[FurtherListing]:
    """The engagement log, which a run lists by end time for those of its days that are within reach."""
    days = len(days_within_reach(runtime, iter_days(first, last)))
    return [FurtherListing(LEDGER_NAME, ENGAGEMENT_LOG, engagements_per_day, days)] if days else []


async def _probe(runtime: Runtime, first: date, last: date) -> tuple[Shape | None, str, int]:
    """Totals of the range as Zoom announces them; without them, why."""
    zone = runtime.config.timezone
    whole = Window(day_window(first, zone).start, day_window(last, zone).end)
    spans = whole.split(ceil(whole.duration / PROBED_SPAN))
    shape = Shape()
    async with runtime.zoom(lands=False) as api:
        try:
            await ask_for_token(runtime)
            for span in spans:
                shape.voicemails += await _total(api, DATASETS["zoom/voicemails"], span)
                shape.voice_calls += await _total(api, DATASETS["zoom/voice_calls"], span)
                shape.engagements += await _total(api, DATASETS["zoom/engagements"], span)
                for channel in CHANNELS:
                    found = await _total(api, DATASETS["zoom/engagements"], span, channel=channel)
                    shape.by_channel[channel] = shape.by_channel.get(channel, 0) + found
        except (TransientError, PermanentError) as error:
            return None, str(error), sum(api.api_calls.values())
        calls = sum(api.api_calls.values())
    return shape, f"the totals that Zoom announces for these days ({calls} calls made to ask)", calls


async def _total(api: ZoomApi, dataset: Dataset, window: Window, **params: str) -> int:
    page = await anext(api.iter_pages(dataset.listing, window=window, params=params))
    return page.total if page.total is not None else len(page.items)


def _habits(runtime: Runtime) -> Habits:
    first, last = runtime.today() - timedelta(days=TYPICAL_DAYS), runtime.today() - timedelta(days=1)
    windows = {
        dataset.name: [row for row in runtime.state.windows.latest(dataset.name, first, last) if row.is_complete]
        for dataset in DATASETS.values()
        if dataset.reading is Reading.WINDOW
    }
    per_day = {name: sum(row.rows for row in rows) / len(rows) for name, rows in windows.items() if rows}
    days = len(windows["zoom/engagements"])
    engagements = sum(row.rows for row in windows["zoom/engagements"])
    calls, recordings = per_day.get("zoom/voice_calls"), per_day.get("zoom/recordings")
    surveys = len(runtime.state.reads.on_days(first, last, dataset="zoom/surveys"))
    emails = len(runtime.state.reads.on_days(first, last, dataset="zoom/email_messages"))
    sizes: dict[ArtefactKind, tuple[int, int]] = {}
    for count in runtime.state.artefacts.counts(first, last):
        if count.state == "stored":
            files, size = sizes.get(count.kind, (0, 0))
            sizes[count.kind] = files + count.files, size + count.size_bytes
    messaging = sizes.get(ArtefactKind.MESSAGING_TRANSCRIPT, (0, 0))[0]
    if days:
        per_day |= {"messaging": messaging / days, "email": emails / days}
    return Habits(
        days=days,
        per_day=per_day,
        in_catalogues=_in_catalogues(runtime, first),
        surveys_per_engagement=surveys / engagements if engagements else None,
        recordings_per_call=recordings / calls if calls and recordings is not None else None,
        bytes_per_file={kind: size / files for kind, (files, size) in sizes.items() if files},
    )


def _in_catalogues(runtime: Runtime, first: date) -> dict[str, int]:
    known: dict[str, int] = {}
    for dataset in DATASETS.values():
        if dataset.reading is Reading.CATALOGUE:
            rows = runtime.state.windows.latest(dataset.name, first, runtime.today())
            newest = max((row for row in rows if row.is_complete), key=lambda row: row.day, default=None)
            if newest is not None:
                known[dataset.name] = newest.rows
    return known


def _shape_from(habits: Habits, days: int) -> Shape:
    def total(name: str) -> int:
        return ceil(habits.per_day.get(name, 0) * days)

    return Shape(
        engagements=total("zoom/engagements"),
        by_channel={"messaging": total("messaging"), "email": total("email")},
        voice_calls=total("zoom/voice_calls"),
        voicemails=total("zoom/voicemails"),
    )


def _records(shape: Shape, habits: Habits) -> tuple[dict[str, int], list[str]]:
    """Records and reads by dataset for the whole range, and what was assumed."""
    assumptions = []
    per_call, per_engagement = habits.recordings_per_call, habits.surveys_per_engagement
    if per_call is None:
        per_call = 1.0
        assumptions.append(
            "one recording for each voice call and video engagement (Zoom announces no total of recordings)"
        )
    if per_engagement is None:
        per_engagement = 1.0
        assumptions.append("a survey for each engagement, the most there can be")
    spoken = shape.voice_calls + shape.by_channel.get("video", 0)
    recordings = ceil(spoken * per_call)
    catalogues = [name for name, dataset in DATASETS.items() if dataset.reading is Reading.CATALOGUE]
    records = {name: habits.in_catalogues.get(name, 1) for name in catalogues}
    records |= {
        "zoom/voicemails": shape.voicemails,
        "zoom/engagements": shape.engagements,
        "zoom/recordings": recordings,
        "zoom/voice_calls": shape.voice_calls,
        "zoom/engagement_events": shape.engagements,
        "zoom/surveys": ceil(shape.engagements * per_engagement),
        "zoom/email_messages": shape.by_channel.get("email", 0),
        "zoom/files": recordings + shape.voicemails,
        "zoom/recording_transcripts": recordings,
        "zoom/voicemail_transcripts": shape.voicemails,
        "zoom/messaging_transcripts": shape.by_channel.get("messaging", 0),
    }
    return records, assumptions


def _file_bytes(records: Mapping[str, int], habits: Habits) -> int | None:
    """Size of the media, from the mean of those already fetched; None where there are none yet."""
    if ArtefactKind.RECORDING not in habits.bytes_per_file:
        return None
    voicemails = records["zoom/voicemails"] * habits.bytes_per_file.get(ArtefactKind.VOICEMAIL, 0)
    return round(records["zoom/recordings"] * habits.bytes_per_file[ArtefactKind.RECORDING] + voicemails)
