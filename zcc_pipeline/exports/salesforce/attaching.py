"""Files of a record: each uploaded once, and looked for first where an earlier run may have done so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zcc_pipeline.domain.errors import PermanentError, QuotaExhausted, TransientError
from zcc_pipeline.exports.calls import CrmRefused, OutcomeUnknown
from zcc_pipeline.exports.destination import Addressed, Attachment, WriteLog
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.salesforce.client import Record, SalesforceClient
from zcc_pipeline.exports.salesforce.queries import any_of
from zcc_pipeline.exports.together import together

_COLUMNS = (
    "LinkedEntityId",
    "ContentDocumentId",
    "ContentDocument.Title",
    "ContentDocument.Description",
    "ContentDocument.ContentSize",
    "ContentDocument.LatestPublishedVersionId",
)
_ID_LENGTH = 15
"""Of the part of an id that tells records apart; the last three characters only help where case is lost."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A record that is there, and that may lack files."""

    one: Addressed
    remote: RemoteRef
    was_there: bool
    """It existed before this write, whatever the ledger knows."""

    @property
    def missing(self) -> tuple[Attachment, ...]:
        """What is not there for certain."""
        return tuple(each for each in self.one.outgoing.attachments if each.key not in self.one.written)

    def is_doubtful(self, attachment: Attachment) -> bool:
        """Whether it may be there already: it was on its way, or the ledger was lost."""
        return attachment.key in self.one.unsure or (self.was_there and self.one.remote is None)


async def attach(client: SalesforceClient, placed: Sequence[Placed], log: WriteLog) -> dict[str, Outcome]:
    """Upload what is missing. Answers for those records only whose files are not all there now."""
    there = await _look_up(client, [each for each in placed if any(map(each.is_doubtful, each.missing))])
    outcomes = await together(_attach_all(client, each, there, log) for each in placed if each.missing)
    return {outcome.engagement_id: outcome for outcome in outcomes if outcome is not None}


async def _attach_all(
    client: SalesforceClient, placed: Placed, there: Mapping[str, Sequence[Record]], log: WriteLog
) -> Outcome | None:
    engagement_id = placed.one.outgoing.engagement_id
    for attachment in placed.missing:
        if placed.is_doubtful(attachment):
            version = _find(there.get(placed.remote.id[:_ID_LENGTH], ()), attachment)
            if version is not None:
                log.done(engagement_id, attachment.key, version)
                continue
        log.begun(engagement_id, attachment.key)
        status, code, message = Status.FAILED_PERMANENT, "FILE_UNREADABLE", ""
        try:
            log.done(engagement_id, attachment.key, await client.upload(attachment, placed.remote.id))
            continue
        except OutcomeUnknown:
            status, code = Status.UNKNOWN, "FILE_UNKNOWN"
        except QuotaExhausted:
            status, code = Status.FAILED_RETRYABLE, "REQUEST_LIMIT_EXCEEDED"
        except TransientError:
            status, code = Status.FAILED_RETRYABLE, "FILE_NOT_SENT"
        except CrmRefused as refused:
            code, message = refused.code, refused.message
        except (PermanentError, OSError):
            pass  # the file store cannot hand it out any more, or not whole
        return Outcome(engagement_id, status, placed.remote, code, message)
    return None


async def _look_up(client: SalesforceClient, placed: Sequence[Placed]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for condition in any_of({"LinkedEntityId": [each.remote.id for each in placed]}):
        for link in await client.query(_COLUMNS, "ContentDocumentLink", condition):
            found.setdefault(str(link.get("LinkedEntityId"))[:_ID_LENGTH], []).append(link)
    return found


def _find(links: Sequence[Record], attachment: Attachment) -> str | None:
    """The id of a file's version: by the key that was put into its description, or by its name and size."""
    title = attachment.file_name.rpartition(".")[0] or attachment.file_name
    for link in links:
        document = link.get("ContentDocument")
        if not isinstance(document, dict):
            continue
        is_same = document.get("Title") == title and document.get("ContentSize") == attachment.size_bytes
        if document.get("Description") == attachment.key or is_same:
            return str(document.get("LatestPublishedVersionId") or link.get("ContentDocumentId"))
    return None
