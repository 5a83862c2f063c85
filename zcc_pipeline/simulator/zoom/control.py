"""Control routes under ``/_control``: what tests and stories do to the account, the faults and the limits. All JSON.

They move the account's own time and contents; the clock of whoever reads the account is never touched.

    GET  state                          the account's time, calls by route and label, 429s, faults, leaked tokens
    GET  truth                          what the account really contains
    POST advance                        {"days", "hours", "minutes", "seconds"}: any of them
    POST edit-note                      {"note_id", "text"}
    POST add-note                       {"engagement_id", "text"}
    POST delete-recording               {"recording_id", "permanently": false}
    POST delete-engagement-recordings   {"engagement_id"}
    POST delete-voicemail               {"message_id"}: marks it deleted
    POST faults                         {"profile"}, or single ones: {"chances": {kind: share}, "per_call",
                                        "calls_per_token", "clock_skew_seconds"}
    POST limits                         {"plan", "per_second": {label: calls}, "heavy_per_day",
                                        "heavy_used_today", "retry_forms"}
    POST scopes                         {"scopes"}: of new tokens; living ones are revoked
    POST revoke-tokens                  {}

Pushing (``push/routes.py``); every field is optional unless said otherwise, times are ISO 8601 with a zone::

    POST push             sends what Zoom would have sent, now, in the order it happened
        {"from", "to"}                  what happened in this span, both ends included, up to the account's now
        or {"days": ["2026-11-20"]}     events of the engagements that started on these local days, whenever they came
        or neither                      everything until the account's now
        "webhook_url", "secret"         signed webhooks; loopback addresses only
        "flow_url", "flow_token"        posts of the flow scripts; loopback addresses only
        "websocket": false              true (content as a string) or "object": also as messages to whoever is connected
        "faults": "harsh"               or {"profile", "chances": {kind: share}, "seed", "max_late_seconds"}; kinds are
                                        lost, doubled, late, reordered, wrong_signature, stale_timestamp,
                                        foreign_account and garbage
        "speed": 1000                   Zoom's retries (after 5, 25, 85 minutes) and lateness come this much faster
        "concurrency": 16               connections to each receiver; 1 keeps the order exactly
        "challenge_every": 0            one endpoint.url_validation after so many webhooks
        "only": ["contact_center.…"]    only these event names; flow events are called flow.<type>
        "flows_without_script": [name]  flows (names or ids) that nobody pasted the script into
        "follow": true                  what control changes (or lets happen by advance) later is pushed there, too
        "wait_for": "settled"           answer when no retry is left; "first_tries" and "nothing" answer sooner
     -> {"job": 1, "is_settled": true, "pending": 0, "seconds": 1.2, "counts": COUNTS, "faults": {kind: count}}
        COUNTS by route (webhook, websocket, flow): {"events", "sent", "accepted", "refused", "retried", "given_up",
        "missed"}: events planned; requests made; answered with success; 3xx or 4xx, not tried again; tries after the
        first; events that no try brought through; frames nobody was connected for
    GET  push             {"jobs": [as above], "is_settled"}; ?job=1 gives that one job
    GET  push-truth       {"events": [EVENT], "foreign": [EVENT], "garbage": n, "challenges": {"answered", "failed"}}
        EVENT: {"event", "event_ts" (ms), "engagement_id", "subject_id" (recording, note, disposition or message),
        "identity" (hex SHA-256 of the sorted JSON of event, event_ts, payload; of a flow event, its idempotency_key),
        "routes": {route: {"sent", "accepted", "wrongly_signed", "stale", "is_lost", "is_doubled", "late_seconds"}}}
        An event has arrived where a route accepted it at least once; ``sent`` counts requests that were made at all.
        An event pushed by several jobs is one row with the sums. ?event=NAME gives those alone.
    POST challenge        {"webhook_url", "secret"}, by default those of the latest push
     -> {"is_answered": true, "status": 200, "problem": null, "seconds": 0.01}
    POST websocket        {"cut": true} ends the connections; {"is_down": true} refuses new ones (503) until false
     -> {"connections": 0, "is_down": false}
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from zcc_pipeline.domain.errors import NotFound
from zcc_pipeline.simulator.zoom.account.truth import truth as true_contents
from zcc_pipeline.simulator.zoom.faults import PROFILES, FaultKind, FaultProfile
from zcc_pipeline.simulator.zoom.push.routes import PUSH_COMMANDS, build_push_routes
from zcc_pipeline.simulator.zoom.rate_limits import CALLS_PER_SECOND, Label, Plan, RetryForm
from zcc_pipeline.simulator.zoom.routes.people import find_note
from zcc_pipeline.simulator.zoom.standin import ZoomStandIn
from zcc_pipeline.simulator.zoom.time_windows import format_utc

Body = dict[str, Any]
Command = Callable[[ZoomStandIn, Body], object]
AsyncCommand = Callable[[ZoomStandIn, Body], Awaitable[object]]


class ControlError(ValueError):
    """A control call that cannot be understood; answered with HTTP 422."""


def build_control_routes(standin: ZoomStandIn) -> list[BaseRoute]:
    """The routes, bound to one stand-in."""

    async def state(_request: Request) -> Response:
        return JSONResponse(describe_state(standin))

    async def truth(_request: Request) -> Response:
        return JSONResponse(true_contents(standin.account))

    def post(name: str, command: Command | AsyncCommand) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                body = json.loads(await request.body() or b"{}")
                result = command(standin, body)
                if isinstance(result, Awaitable):
                    result = await result
            except NotFound as error:
                return JSONResponse({"error": str(error)}, status_code=404)
            except (ControlError, KeyError, TypeError, ValueError) as error:
                return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=422)
            return JSONResponse(result)

        return Route(f"/_control/{name}", endpoint, methods=["POST"])

    return [
        Route("/_control/state", state, methods=["GET"]),
        Route("/_control/truth", truth, methods=["GET"]),
        *(post(name, command) for name, command in {**_COMMANDS, **PUSH_COMMANDS}.items()),
        *build_push_routes(standin),
    ]


def describe_state(standin: ZoomStandIn) -> Body:
    """The account's time and everything counted so far."""
    return {
        "now": format_utc(standin.account.now()),
        "plan": standin.limits.plan,
        "heavy_used_today": standin.limits.heavy_used_today,
        "tokens_issued": standin.tokens.issued_count,
        "tokens_refused": standin.tokens.refused_count,
        "faults": dict(standin.faults.counts),
        **standin.counters.as_dict(),
    }


def _advance(standin: ZoomStandIn, body: Body) -> object:
    step = timedelta(**{unit: float(body.get(unit, 0)) for unit in ("seconds", "minutes", "hours", "days")})
    if step < timedelta(0):
        raise ControlError("the account's time never goes back")
    before = standin.account.now()
    standin.account.advance(step)
    standin.pusher.time_passed(before)
    return _changed(standin)


def _edit_note(standin: ZoomStandIn, body: Body) -> object:
    found = find_note(standin.account, body["note_id"])
    if found is None:
        raise NotFound("the note does not exist", http_status=404, code=2701)
    standin.account.edit_note(found[0].engagement_id, body["note_id"], body["text"])
    return _changed(standin)


def _add_note(standin: ZoomStandIn, body: Body) -> object:
    note_id = standin.account.add_note(body["engagement_id"], body["text"])
    standin.pusher.note_was_added(body["engagement_id"], note_id)
    return _changed(standin) | {"note_id": note_id}


def _delete_recording(standin: ZoomStandIn, body: Body) -> object:
    standin.account.delete_recording(body["recording_id"], permanently=bool(body.get("permanently")))
    standin.pusher.recordings_were_deleted([body["recording_id"]])
    return _changed(standin)


def _delete_engagement_recordings(standin: ZoomStandIn, body: Body) -> object:
    engagement = standin.account.engagement(body["engagement_id"])
    if engagement is None:
        raise NotFound("the engagement does not exist", http_status=404, code=2901)
    deleted = [recording.recording_id for recording in engagement.recordings]
    for recording_id in deleted:
        standin.account.delete_recording(recording_id)
    standin.pusher.recordings_were_deleted(deleted)
    return _changed(standin) | {"deleted": deleted}


def _delete_voicemail(standin: ZoomStandIn, body: Body) -> object:
    standin.account.mark_voicemail_deleted(body["message_id"])
    standin.pusher.voicemail_was_deleted(body["message_id"])
    return _changed(standin)


def _set_faults(standin: ZoomStandIn, body: Body) -> object:
    base = PROFILES[body.get("profile", "none")]
    chances = base.chances | {FaultKind(kind): float(chance) for kind, chance in body.get("chances", {}).items()}
    profile = FaultProfile(
        chances=chances,
        per_call=int(body.get("per_call", max(base.per_call, int(bool(chances))))),
        calls_per_token=body.get("calls_per_token", base.calls_per_token),
        clock_skew_seconds=int(body.get("clock_skew_seconds", base.clock_skew_seconds)),
    )
    standin.set_faults(profile)
    return describe_state(standin)


def _set_limits(standin: ZoomStandIn, body: Body) -> object:
    plan = body.get("plan", standin.limits.plan)
    if plan not in CALLS_PER_SECOND:
        raise ControlError(f"plan must be one of {', '.join(CALLS_PER_SECOND)}")
    per_second = body.get("per_second", {})
    if unknown := set(per_second) - set(get_args(Label)):
        raise ControlError(f"no such label: {', '.join(sorted(unknown))}")
    standin.limits.configure(
        cast("Plan", plan),
        per_second={label: float(limit) for label, limit in per_second.items()},
        heavy_per_day=body.get("heavy_per_day"),
    )
    standin.limits.heavy_used_today = int(body.get("heavy_used_today", 0))
    standin.limits.retry_forms = tuple(RetryForm(form) for form in body.get("retry_forms", RetryForm))
    return describe_state(standin)


def _set_scopes(standin: ZoomStandIn, body: Body) -> object:
    standin.tokens.scopes = frozenset(body["scopes"])
    return {"revoked": standin.tokens.revoke_all()}


def _revoke_tokens(standin: ZoomStandIn, _body: Body) -> object:
    return {"revoked": standin.tokens.revoke_all()}


def _changed(standin: ZoomStandIn) -> Body:
    standin.changed()
    return {"now": format_utc(standin.account.now())}


_COMMANDS: dict[str, Command] = {
    "advance": _advance,
    "edit-note": _edit_note,
    "add-note": _add_note,
    "delete-recording": _delete_recording,
    "delete-engagement-recordings": _delete_engagement_recordings,
    "delete-voicemail": _delete_voicemail,
    "faults": _set_faults,
    "limits": _set_limits,
    "scopes": _set_scopes,
    "revoke-tokens": _revoke_tokens,
}
