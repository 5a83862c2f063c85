"""What the Zoom account lets us read, and which of its settings will make data missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from zcc_pipeline.domain.datasets import (
    DATASETS,
    DISPOSITION_DETAIL,
    ENGAGEMENT_DETAIL,
    ENGAGEMENT_LOG,
    INBOX_DETAIL,
    NOTES_LIST,
    QUEUE_RECORDINGS,
    Endpoint,
)
from zcc_pipeline.domain.errors import ConfigurationError, ScopeMissing, ZccPipelineError
from zcc_pipeline.domain.window import Window
from zcc_pipeline.pipeline.doctor import Finding, Verdict
from zcc_pipeline.pipeline.lake_facts import InboxFields
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.pipeline.reaching import impatient
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.zoom_api import ZoomApi
from zcc_pipeline.state import StateStore

SKEW_SECONDS = 30
"""Further apart than this, windows of the last minutes and the age of things go wrong."""

SHORT_RETENTION_DAYS = 7
"""Voicemail that is deleted sooner can be gone before a week without the pipeline is noticed."""

RECENT_DAYS = 7
CALL_PAGES = 5
INBOXES_READ = 100


@dataclass(frozen=True, slots=True)
class Need:
    """An operation and what is lost without it."""

    endpoint: Endpoint
    lost: str
    verdict: Verdict = Verdict.PROBLEM


def needs() -> dict[str, Need]:
    """Every operation the pipeline calls, by a name that people know."""
    found = {dataset.name: Need(dataset.endpoint, dataset.name) for dataset in DATASETS.values() if dataset.endpoint}
    return found | {
        "one engagement": Need(ENGAGEMENT_DETAIL, "late changes of single engagements"),
        "one inbox": Need(INBOX_DETAIL, "the reason why a voicemail has no transcript"),
        "one disposition": Need(DISPOSITION_DETAIL, "the levels of dispositions", Verdict.WARNING),
        "engagement log": Need(ENGAGEMENT_LOG, "the proof that no late closer is missing", Verdict.WARNING),
        "list of notes": Need(NOTES_LIST, "edits of notes older than every look-back", Verdict.WARNING),
    }


def examine_account(runtime: Runtime) -> list[Finding]:
    """Credentials, clock, scopes, inboxes, call recording. Raises nothing: what fails is a finding."""
    if runtime.config.credentials is None:
        return _before_there_is_an_app()
    try:
        return run(_examine(runtime))
    except ZccPipelineError as error:
        return [Finding("zoom", Verdict.PROBLEM, str(error))]


def _before_there_is_an_app() -> list[Finding]:
    """What to create, and every scope to give it, so that nobody has to come back for one after the other."""
    text = "not all of ZCC_ZOOM_ACCOUNT_ID, ZCC_ZOOM_CLIENT_ID and ZCC_ZOOM_CLIENT_SECRET are set"
    remedy = "create a server-to-server OAuth app at marketplace.zoom.us; `zcc demo` and `zcc simulate` need none"
    scopes = dict.fromkeys(need.endpoint.scopes[0] for need in needs().values())
    return [
        Finding("credentials", Verdict.PROBLEM, text, remedy),
        Finding("scopes", Verdict.OK, f"the app will need {len(scopes)}", f"give it {', '.join(scopes)}"),
    ]


async def _examine(runtime: Runtime) -> list[Finding]:
    config, credentials = impatient(runtime.config.zoom), runtime.config.credentials
    assert credentials is not None  # noqa: S101 - asked before
    # not ``runtime.state``: a time zone that does not fit has been found before and is no reason to stop here
    with StateStore.open(runtime.config.state_url) as state:
        async with ZoomApi(config, credentials, budget=state.budget, clock=runtime.clock, live=True) as api:
            return await _ask(runtime, api)


async def _ask(runtime: Runtime, api: ZoomApi) -> list[Finding]:
    findings: list[Finding] = []
    try:
        granted = await api.granted_scopes()
    except ConfigurationError as error:
        return [Finding("credentials", Verdict.PROBLEM, str(error))]
    except ZccPipelineError as error:
        text = f"cannot be reached at {runtime.config.zoom.oauth_url} ({error})"
        return [Finding("zoom", Verdict.PROBLEM, text, "check the network, a proxy, and ZCC_ZOOM_OAUTH_URL")]
    findings.append(Finding("credentials", Verdict.OK, "Zoom hands out a token for them"))
    findings += _scopes(granted)
    try:
        findings += [finding async for finding in _inboxes(api)]
        findings += [finding async for finding in _recording(runtime, api)]
    except ZccPipelineError as error:
        remedy = "check ZCC_ZOOM_API_URL, and that the app's owner has a Contact Center role"
        findings.append(Finding("zoom", Verdict.PROBLEM, str(error), remedy))
    findings += _clock(api)
    return findings


def _clock(api: ZoomApi) -> Iterator[Finding]:
    skew = api.clock_skew_seconds
    if skew is None:
        return
    text = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} Zoom's"
    if abs(skew) > SKEW_SECONDS:
        yield Finding("clock", Verdict.PROBLEM, f"this machine's clock is {text}", "set it by NTP")
    else:
        yield Finding(
            "clock", Verdict.OK, f"this machine's clock agrees with Zoom's (within {max(1, round(abs(skew)))} s)"
        )


def is_granted(scopes: tuple[str, ...], granted: frozenset[str]) -> bool:
    """Whether one of the scopes that would do is there; the ``:master`` form includes the ``:admin`` one."""
    return any(scope in granted or scope.replace(":admin", ":master") in granted for scope in scopes)


def _scopes(granted: frozenset[str]) -> Iterator[Finding]:
    if not granted:
        yield Finding(
            "scopes", Verdict.WARNING, "the token does not say what it may do", "watch `zcc pull` for scopes it names"
        )
        return
    all_there = True
    for name, need in needs().items():
        if is_granted(need.endpoint.scopes, granted):
            continue
        all_there = False
        either = " or ".join(need.endpoint.scopes)
        if name == "zoom/recordings" and is_granted(QUEUE_RECORDINGS.scopes, granted):
            text = "recordings can only be listed queue by queue: slower, and those of no queue are not seen"
            yield Finding("scopes", Verdict.WARNING, text, f"add {either}")
        else:
            yield Finding("scopes", need.verdict, f"{name} cannot be read; lost: {need.lost}", f"add {either}")
    if all_there:
        yield Finding("scopes", Verdict.OK, f"all {len(needs())} operations are allowed")


async def _inboxes(api: ZoomApi) -> AsyncIterator[Finding]:
    """Inbox settings decide which voicemails have a transcript, and how long there is to fetch them."""
    listing = DATASETS["zoom/inboxes"].listing
    seen: dict[str, str] = {}
    try:
        async for page in api.iter_pages(listing):
            for item in page.items:
                inbox = msgspec.json.decode(item, type=_Inbox)
                seen[inbox.inbox_id] = inbox.inbox_name or inbox.inbox_id
        found = 0
        for inbox_id, name in list(seen.items())[:INBOXES_READ]:
            reply = await api.fetch(INBOX_DETAIL, path_params={"inbox_id": inbox_id})
            for finding in _inbox(name, msgspec.json.decode(reply.body, type=InboxFields, strict=False)):
                found += 1
                yield finding
    except ScopeMissing:
        return  # the scopes have been named already
    if seen and not found:
        yield Finding("inboxes", Verdict.OK, f"{len(seen)} inboxes: all transcribe, none deletes soon")


class _Inbox(msgspec.Struct):
    inbox_id: str
    inbox_name: str | None = None


def _inbox(name: str, fields: InboxFields) -> Iterator[Finding]:
    settings = fields.voicemail
    if settings is None:
        return
    if settings.voicemail_transcription is False:
        remedy = "switch it on in the inbox's voicemail settings, if you want them"
        yield Finding(
            "inboxes", Verdict.WARNING, f"{name}: voicemail transcription is off, there will be no transcripts", remedy
        )
    days = settings.delete_voicemail_days_limit
    if days is not None and days <= SHORT_RETENTION_DAYS:
        remedy = "lengthen it, or be sure that the pipeline runs every day"
        yield Finding("inboxes", Verdict.WARNING, f"{name}: voicemails are deleted after {days} days", remedy)


class _Queue(msgspec.Struct):
    queue_name: str | None = None


class _Call(msgspec.Struct):
    recorded: bool | None = None
    agents: list[msgspec.Raw] = []
    queues: list[_Queue] = []


async def _recording(runtime: Runtime, api: ZoomApi) -> AsyncIterator[Finding]:
    """Answered calls of the last days that were not recorded, by queue."""
    now = runtime.clock.now()
    calls, unrecorded = Counter[str](), Counter[str]()
    window = Window(now - timedelta(days=RECENT_DAYS), now)
    try:
        async for page in api.iter_pages(DATASETS["zoom/voice_calls"].listing, window=window):
            for item in page.items:
                call = msgspec.json.decode(item, type=_Call)
                if call.agents:
                    queue = (call.queues[0].queue_name if call.queues else None) or "no queue"
                    calls[queue] += 1
                    unrecorded[queue] += call.recorded is False
            if page.number == CALL_PAGES:
                break
    except ScopeMissing:
        return  # the scopes have been named already
    for finding in _judge_recording(calls, unrecorded):
        yield finding


def _judge_recording(calls: Counter[str], unrecorded: Counter[str]) -> Iterator[Finding]:
    """A queue without any recording is worth a warning; single calls are explained one by one by their status."""
    if not calls:
        yield Finding("recording", Verdict.OK, f"no answered voice call in the last {RECENT_DAYS} days to tell from")
        return
    silent = [queue for queue, count in unrecorded.most_common() if count == calls[queue]]
    for queue in silent:
        text = f"queue {queue}: none of its {calls[queue]} answered calls looked at was recorded"
        yield Finding("recording", Verdict.WARNING, text, "switch recording on for the queue, if you want them")
    others = calls.total() - sum(calls[queue] for queue in silent)
    if others:
        partly = unrecorded.total() - sum(unrecorded[queue] for queue in silent)
        where = "in the other queues " if silent else ""
        text = f"{partly} of {others} answered calls {where}of the last {RECENT_DAYS} days were not recorded"
        yield Finding("recording", Verdict.OK, text)
