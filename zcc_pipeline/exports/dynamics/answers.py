"""What one operation's answer means for its record."""

from __future__ import annotations

from collections.abc import Sequence

from zcc_pipeline.domain.errors import ConfigurationError, PermanentError
from zcc_pipeline.exports.calls import safe_code
from zcc_pipeline.exports.destination import Addressed
from zcc_pipeline.exports.dynamics.client import UNKNOWN_SEGMENT, is_for_later
from zcc_pipeline.exports.dynamics.multipart import PartAnswer
from zcc_pipeline.exports.dynamics.rows import Place
from zcc_pipeline.exports.outcomes import Outcome, Status

MAPPING_SETTING = "ZCC_CRM_MAPPING"


def written(one: Addressed, place: Place) -> Outcome:
    """It is there. Dataverse does not say whether it was before: the ledger does."""
    status = Status.CREATED if one.remote is None else Status.UPDATED
    return Outcome(one.outgoing.engagement_id, status, place.ref)


def outcome_of(one: Addressed, place: Place, part: PartAnswer) -> Outcome:
    """The record's outcome from its own answer."""
    if part.is_success:
        return written(one, place)
    status = Status.FAILED_RETRYABLE if is_for_later(part) else Status.FAILED_PERMANENT
    code = safe_code(part.code) or f"http_{part.status}"
    return Outcome(one.outgoing.engagement_id, status, one.remote, code, part.message[:2_000])


def failed(one: Addressed, status: Status, code: str, message: str = "") -> Outcome:
    """An outcome without an answer."""
    return Outcome(one.outgoing.engagement_id, status, one.remote, code, message)


def check_not_all_refused(parts: Sequence[PartAnswer], entity_set: str) -> None:
    """End the run where it is the application user or the table that is wrong, not the records."""
    if all(part.status == 404 and part.code == UNKNOWN_SEGMENT for part in parts):
        raise ConfigurationError(
            MAPPING_SETTING,
            f"Dataverse has no entity set {entity_set!r}",
            purpose="the table that engagements are written to; `zcc export dynamics --setup` makes the shipped one",
        )
    if len(parts) > 1 and all(part.status == 403 for part in parts):
        code = safe_code(parts[0].code)
        raise PermanentError(
            f"the application user may not write to {entity_set} (403 {code}): check its security role"
        )
