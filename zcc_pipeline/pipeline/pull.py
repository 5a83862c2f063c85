"""Pull: from the sources to the lake and the files, in the order that loses least if it is cut short.

``STEPS`` is the order: reference lists, voicemails first (Zoom deletes them soonest), engagements, what hangs off them,
files, and at the end the judgement of what is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS, Reading, find_dataset
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.pipeline.artefacts import fetch_files
from zcc_pipeline.pipeline.completeness import judge
from zcc_pipeline.pipeline.per_engagement import read_each
from zcc_pipeline.pipeline.polling import poll, read_catalogue
from zcc_pipeline.pipeline.reports import DatasetReport, PullReport
from zcc_pipeline.pipeline.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of a pull; ``produces`` are the asset keys it lands, the first gives it its name."""

    produces: tuple[str, ...]
    run: Callable[[Runtime, Sequence[date]], list[DatasetReport]]

    @property
    def name(self) -> str:
        """Key of the first asset."""
        return self.produces[0]


def _poll(name: str) -> Step:
    embedded = [other.name for other in DATASETS.values() if other.parent == name and other.reading is Reading.EMBEDDED]
    return Step((name, *embedded), lambda runtime, days: poll(runtime, DATASETS[name], days))


def _read(name: str) -> Step:
    return Step((name,), lambda runtime, days: [read_each(runtime, DATASETS[name], days)])


def _files(name: str, kind: ArtefactKind) -> Step:
    return Step((name,), lambda runtime, days: [fetch_files(runtime, kind, days)])


def _catalogue(name: str) -> Step:
    return Step((name,), lambda runtime, _days: [read_catalogue(runtime, DATASETS[name])])


STEPS: tuple[Step, ...] = (
    *(_catalogue(dataset.name) for dataset in DATASETS.values() if dataset.reading is Reading.CATALOGUE),
    _poll("zoom/voicemails"),
    _files("files/voicemails", ArtefactKind.VOICEMAIL),
    _files("zoom/voicemail_transcripts", ArtefactKind.VOICEMAIL_TRANSCRIPT),
    _poll("zoom/engagements"),
    _poll("zoom/recordings"),
    _poll("zoom/voice_calls"),
    _read("zoom/engagement_events"),
    _read("zoom/surveys"),
    _read("zoom/email_messages"),
    _files("files/recordings", ArtefactKind.RECORDING),
    _files("zoom/recording_transcripts", ArtefactKind.RECORDING_TRANSCRIPT),
    _files("zoom/messaging_transcripts", ArtefactKind.MESSAGING_TRANSCRIPT),
    Step(("zoom/completeness",), lambda runtime, days: [judge(runtime, days)]),
)

DAILY = tuple(
    step.name for step in STEPS if step.name not in DATASETS or DATASETS[step.name].reading is not Reading.CATALOGUE
)
"""What is pulled of a day: everything but the reference lists."""


def steps_for(only: Iterable[str]) -> list[Step]:
    """The steps that land the datasets asked for (all of them where nothing is asked)."""
    wanted = {_resolve(name) for name in only}
    return [step for step in STEPS if not wanted or wanted & set(step.produces)]


def _resolve(name: str) -> str:
    known = {produced for step in STEPS for produced in step.produces}
    if name in known:
        return name
    matches = [produced for produced in sorted(known) if produced.rpartition("/")[2] == name]
    if matches:
        return matches[0] if len(matches) == 1 else next(match for match in matches if match.startswith("zoom/"))
    try:
        return find_dataset(name).name
    except KeyError:
        raise ConfigurationError(
            "--only",
            f"there is no dataset {name!r}",
            purpose="datasets to pull: " + ", ".join(sorted(known)),
            example="engagements,recordings",
        ) from None


def pull(runtime: Runtime, days: Sequence[date], *, only: Iterable[str] = ()) -> PullReport:
    """Run the steps for those days. One dataset's trouble is reported and does not stop the others."""
    report = PullReport()
    for step in steps_for(only):
        report.datasets.extend(step.run(runtime, days))
    return report
