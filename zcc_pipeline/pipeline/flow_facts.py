"""What a flow script's event carries: the disposition and the transcript, in whichever form its flow had them.

They stand in until the API shows its own. A script may know a disposition by name only; then its record says so in its
id, and the first read of the engagement that can know replaces it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b, sha256
from typing import Any

import msgspec

from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.transcript_formats import parse_transcript
from zcc_pipeline.domain.window import format_time
from zcc_pipeline.sources.receiver.flow_events import FlowEvent, read_flow_event

BY_NAME = "name:"
"""How the part id of a disposition begins that is known by name only."""
_IDS = ("disposition_id", "dispositionId", "id")
_NAMES = ("disposition_name", "dispositionName", "name", "label")


@dataclass(frozen=True, slots=True)
class FlowFact:
    """One record that follows from a flow event."""

    dataset: str
    record_id: str
    engagement_id: str
    payload: bytes
    part_id: str | None = None


def flow_facts(body: bytes) -> Iterator[FlowFact]:
    """Records in a kept body. ``RecordRejected`` where it does not hold to our schema or cannot be read."""
    try:
        said = read_flow_event(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise RecordRejected("does not hold to the schema of flow events") from None
    for disposition_id, name in _dispositions(said.disposition):
        yield _disposition_fact(said.engagement_id, disposition_id, name)
    if said.transcript:
        yield _transcript_fact(said)


def _disposition_fact(engagement_id: str, disposition_id: str | None, name: str | None) -> FlowFact:
    part_id = disposition_id or BY_NAME + str(name)
    key = disposition_id or BY_NAME + blake2b(str(name).encode(), digest_size=8).hexdigest()
    payload = {"disposition_id": disposition_id, "disposition_name": name, "engagement_id": engagement_id}
    return FlowFact("zoom/dispositions", f"{engagement_id}:{key}", engagement_id, msgspec.json.encode(payload), part_id)


def _dispositions(value: Any) -> Iterator[tuple[str | None, str | None]]:  # noqa: ANN401 - any JSON
    """Ids and names in a text, an object, a list of them, or a text that holds one of these as JSON."""
    value = _opened(value)
    if isinstance(value, list):
        for each in value:
            yield from _dispositions(each)
    elif isinstance(value, str):
        if value.strip():
            yield None, value.strip()
    elif isinstance(value, Mapping):
        found = _first(value, _IDS), _first(value, _NAMES)
        if value and not any(found):
            raise RecordRejected("a disposition without id and name")
        if any(found):
            yield found
    elif value is not None:
        raise RecordRejected("a disposition that is neither text nor object")


def _opened(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """What a text holds as JSON; a name that merely begins with a bracket is left as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in {"{", "["}:
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.MsgspecError:
        return value


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    texts = (value.get(name) for name in names)
    return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), None)


def _transcript_fact(said: FlowEvent) -> FlowFact:
    """The turns, in the form in which transcript files land as well."""
    text = said.transcript
    content = text.encode() if isinstance(text, str) else msgspec.json.encode(text)
    form, turns = parse_transcript(content)
    record = {
        "source_id": said.engagement_id,
        "engagement_id": said.engagement_id,
        "occurred_at": format_time(said.occurred_at),
        "path": None,
        "sha256": sha256(content).hexdigest(),
        "format": form,
        "problem": None,
        "turns": [asdict(turn) for turn in turns],
    }
    return FlowFact("zoom/messaging_transcripts", said.engagement_id, said.engagement_id, msgspec.json.encode(record))
