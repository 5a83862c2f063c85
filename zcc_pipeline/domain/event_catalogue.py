"""What each pushed event means to engagement data: the place to add one.

Names are those of Zoom's Contact Center events (https://developers.zoom.us/docs/api/contact-center/events/) without
their common prefix ``contact_center.``, and ``flow.<type>`` for what a flow script sends. Events that concern nothing
here are kept all the same; names that are not in this list are kept and counted as unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.events import CONNECTION_GAP, FLOW_PREFIX, UNREADABLE

PREFIX = "contact_center."

RACE = timedelta(seconds=10)
"""Reads right after a note or disposition have been seen to miss it, so they wait this long (as after a deletion)."""


@dataclass(frozen=True, slots=True)
class EventKind:
    """One kind of event and what follows from it."""

    name: str
    """Canonical, with prefix: the shape of what lands from it."""
    refreshes: bool = False
    """Its engagement is to be read again."""
    delay: timedelta = timedelta(0)
    """How long after the event a read is sure to show what it announces."""
    fact: str | None = None
    """Dataset that its object is a record of."""
    tombstone: str | None = None
    """Dataset of which it says that a record is gone."""
    announces: ArtefactKind | None = None
    """What the engagement owns from now on: coverage compares this with what polling finds."""


def _refreshing(short: str, announces: ArtefactKind | None = None, *, fact: str | None = None) -> EventKind:
    delay = RACE if announces in {ArtefactKind.NOTES, ArtefactKind.DISPOSITIONS} else timedelta(0)
    return EventKind(PREFIX + short, refreshes=True, delay=delay, fact=fact, announces=announces)


_MEANINGFUL = (
    _refreshing("engagement_ended"),
    _refreshing("cx_engagement_end_data_ready"),
    _refreshing("legacy_engagement_end_data_ready"),
    _refreshing("engagement_wrap_up_ended"),
    _refreshing("engagement_note_added", ArtefactKind.NOTES, fact="zoom/notes"),
    _refreshing("engagement_disposition_added", ArtefactKind.DISPOSITIONS, fact="zoom/dispositions"),
    _refreshing("engagement_survey_status", ArtefactKind.SURVEY),
    _refreshing("engagement_messaging_transcript_completed", ArtefactKind.MESSAGING_TRANSCRIPT),
    _refreshing("engagement_email_transcript_completed", ArtefactKind.EMAIL_MESSAGES),
    _refreshing("recording_completed", ArtefactKind.RECORDING, fact="zoom/recordings"),
    _refreshing("recording_transcript_completed", ArtefactKind.RECORDING_TRANSCRIPT, fact="zoom/recordings"),
    _refreshing("inbox_message_received", ArtefactKind.VOICEMAIL, fact="zoom/voicemails"),
    _refreshing("voicemail_transcript_completed", ArtefactKind.VOICEMAIL_TRANSCRIPT, fact="zoom/voicemails"),
    _refreshing("inbox_message_assigned"),
    EventKind(PREFIX + "inbox_message_deleted", refreshes=True, tombstone="zoom/voicemails"),
    _refreshing("inbox_message_reopened"),
    _refreshing("inbox_message_resolved"),
    EventKind(PREFIX + "recording_deleted", tombstone="zoom/recordings"),
    EventKind(PREFIX + "recording_permanently_deleted", tombstone="zoom/recordings"),
)

_WITHOUT_CONSEQUENCE = """
asset_created asset_deleted asset_updated business_hours_created business_hours_deleted business_hours_updated
call_control_answer_call_executed call_control_conference_warm_invite_executed call_control_end_call_executed
call_control_hold_call_executed call_control_make_call_executed call_control_unhold_call_executed
closure_created closure_deleted closure_updated consumer_messaging_opt_in consumer_messaging_opt_out
engagement_conference_canceled engagement_conference_participant_canceled engagement_conference_participant_invited
engagement_conference_participant_joined engagement_conference_participant_left
engagement_conference_participant_rejected engagement_conference_participant_timeout engagement_consumer_answered
engagement_consumer_ended engagement_consumer_notified engagement_consumer_sent_file engagement_consumer_sent_message
engagement_follow_up_task_created engagement_follow_up_task_updated engagement_monitor_ended engagement_monitor_started
engagement_started engagement_takeover_started engagement_transfer_accepted engagement_transfer_canceled
engagement_transfer_completed engagement_transfer_initiated engagement_transfer_queued engagement_transfer_rejected
engagement_transfer_reserved engagement_transfer_timeout engagement_upgrade_completed engagement_upgrade_expired
engagement_upgrade_initiated engagement_user_answered engagement_user_dtmf_sent engagement_user_ended
engagement_user_hold engagement_user_muted engagement_user_sent_file engagement_user_sent_message
engagement_user_unhold engagement_user_unmuted engagement_wrap_up_started inbox_message_downloaded inbox_message_opened
message_status outbound_campaign_dialer_status queue_agent_assigned queue_agent_unassigned queue_created queue_deleted
queue_inbound_sla_updated queue_operating_hours_updated queue_scheduled_callback_created queue_supervisor_assigned
queue_supervisor_unassigned recording_paused recording_resumed recording_started recording_stopped sms_status
task_canceled task_completed task_created task_deleted task_entered_queue task_exited_queue task_reservation_accepted
task_reservation_canceled task_reservation_completed task_reservation_created task_reservation_rejected
task_reservation_timeout task_updated team_created team_deleted team_members_assigned team_members_unassigned team_moved
team_updated user_created user_deleted user_login user_logout user_opt_in user_opt_out user_phone_numbers_assigned
user_phone_numbers_unassigned user_skills_assigned user_skills_unassigned user_status_changed user_updated
voice_rtms_started voice_rtms_stopped
"""

CATALOGUE: dict[str, EventKind] = {
    kind.name: kind for kind in (*_MEANINGFUL, *(EventKind(PREFIX + name) for name in _WITHOUT_CONSEQUENCE.split()))
}
"""Every event that Zoom has published for Contact Center, by canonical name."""

_OWN = frozenset({UNREADABLE, CONNECTION_GAP})


def canonical_name(name: str) -> str:
    """The name as the catalogue has it, for the ways in which it has been seen written.

    Blanks around it, another case, hyphens or blanks for underscores, and a missing prefix do not make another event.
    A name that is still unknown then is given back with nothing but blanks and case put right.
    """
    tidy = name.strip().casefold()
    if tidy in _OWN or tidy in CATALOGUE or tidy.startswith(FLOW_PREFIX):
        return tidy
    guess = PREFIX + re.sub(r"[\s\-]+", "_", tidy).removeprefix(PREFIX)
    return guess if guess in CATALOGUE else tidy


def kind_of(name: str) -> EventKind | None:
    """What an event of that name (however it is written) means; None for one that nobody has published.

    A flow script's events all mean that their engagement has changed; what they carry is read from the event itself.
    """
    canonical = canonical_name(name)
    if canonical.startswith(FLOW_PREFIX):
        return EventKind(canonical, refreshes=True)
    return CATALOGUE.get(canonical)
