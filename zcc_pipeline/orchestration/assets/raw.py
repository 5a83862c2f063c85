"""Raw datasets and files: one asset each, one step for each ``STEPS`` entry of a pull."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg

from zcc_pipeline.domain.datasets import DATASETS, Dataset, Reading
from zcc_pipeline.domain.errors import ConfigurationError, PermanentError, TransientError, describe_unexpected
from zcc_pipeline.orchestration.failures import explained, stops_kept
from zcc_pipeline.orchestration.metadata import LAKE_SCHEMA, day_metadata, report_metadata
from zcc_pipeline.orchestration.partitions import ALL_DAYS_AT_ONCE, days_of_keys
from zcc_pipeline.orchestration.pictures import completeness_picture
from zcc_pipeline.orchestration.previews import preview
from zcc_pipeline.pipeline.pull import STEPS, Step
from zcc_pipeline.pipeline.reports import DatasetReport, DayReport
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.pipeline.status import status

OWNERS = ("team:data-engineering",)
DAYS_DRAWN = timedelta(days=13)
COMPLETENESS = "zoom/completeness"
LATE_CLOSERS = "refresh/late_closers"
SETTLING = "refresh/settling"

FILES = {
    "files/recordings": (
        "zoom/recordings",
        "Voice and video recordings: the media itself, with size and digests checked.",
    ),
    "files/voicemails": ("zoom/voicemails", "Voicemail audio. Zoom deletes it soonest, so it is fetched first."),
}
"""File assets: the dataset that points at them, and what they are."""

TEXT_FILES = ("zoom/recording_transcripts", "zoom/messaging_transcripts", "zoom/voicemail_transcripts")
LANDED_BY = {
    "zoom/files": (*FILES, *TEXT_FILES),
    "zoom/card_data": ("zoom/notes", *TEXT_FILES),
    "zoom/events": ("zoom/events",),
    "zoom/coverage": ("zoom/coverage",),
}
"""Datasets that no step of a pull is named after, and the assets that land them."""

READ_FIRST = {"zoom/recordings": ("zoom/queues",)}
"""What a listing needs besides: recordings are listed queue by queue where the token may not list the account."""

REFERENCE = tuple(dataset.name for dataset in DATASETS.values() if dataset.reading is Reading.CATALOGUE)
ALL = tuple(name for step in STEPS for name in step.produces)


def build_raw_assets(partitions: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """One asset for each dataset and kind of file, in the order of a pull."""
    return [_build(step, partitions) for step in STEPS]


def assets_of(dataset: str) -> tuple[str, ...]:
    """Names of the assets that land a dataset."""
    return LANDED_BY.get(dataset, (dataset,) if dataset in ALL else ())


def key_of(name: str) -> dg.AssetKey:
    """``zoom/engagements`` as an asset key."""
    return dg.AssetKey(name.split("/"))


def api_page(dataset: Dataset) -> dict[str, Any]:
    """Metadata that links to Zoom's page about what is read; nothing for what is made here."""
    return {"API page": dg.MetadataValue.url(dataset.api_page)} if dataset.api_page else {}


def _build(step: Step, partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    is_daily = step.name not in REFERENCE

    @dg.multi_asset(
        name=step.name.replace("/", "__"),
        specs=[_spec(name) for name in step.produces],
        partitions_def=partitions if is_daily else None,
        backfill_policy=ALL_DAYS_AT_ONCE if is_daily else None,
        op_tags={
            "dagster/priority": str(-STEPS.index(step))
        },  # the order of a pull: what the source deletes soonest first
    )
    def land(
        context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        days = days_of_keys(context.partition_keys) if is_daily else []
        reports = {report.dataset: report for report in _run(step, runtime, days)}
        for name in step.produces:
            report = reports.get(name) or DatasetReport(name)
            metadata = report_metadata(report) | _shown(runtime, name, days or [row.day for row in report.days])
            if is_daily:
                _describe_days(context, report, metadata, days)
                yield dg.MaterializeResult(asset_key=key_of(name))
            else:
                numbers = [day_metadata(row) for row in report.days]
                yield dg.MaterializeResult(asset_key=key_of(name), metadata=(numbers[0] if numbers else {}) | metadata)

    return land


def _run(step: Step, runtime: Runtime, days: Sequence[date]) -> Sequence[DatasetReport]:
    """Do the step. What stops a whole dataset is a problem of each of its days and stops nothing else.

    The check ``read_to_the_end`` turns problems into a failed run once everything has been recorded; failing here would
    keep Dagster from doing what comes after.
    """
    with explained():
        try:
            with stops_kept():
                return step.run(runtime, days)
        except (TransientError, PermanentError) as error:
            problem = str(error)
        except ConfigurationError:
            raise  # every other step would end as this one
        except Exception as error:  # noqa: BLE001 - a fault of ours in one step is no reason to leave out the others
            problem = describe_unexpected(error)
        rows = [DayReport(day, is_complete=False, problem=problem) for day in days or [runtime.today()]]
        return [DatasetReport(step.name, rows)]


def _describe_days(
    context: dg.AssetExecutionContext, report: DatasetReport, metadata: dict[str, Any], days: Sequence[date]
) -> None:
    """Each day's numbers on its own partition; what tells about the whole run on the newest one."""
    key = key_of(report.dataset)
    for row in report.days:
        if row.day in days:
            context.add_asset_metadata(day_metadata(row), key, row.day.isoformat())
    if days:
        context.add_asset_metadata(metadata, key, max(days).isoformat())


def _shown(runtime: Runtime, name: str, days: Sequence[date]) -> dict[str, Any]:
    """What there is to see: a masked preview, and for the proof a picture of the days around."""
    found: dict[str, Any] = {}
    if name in DATASETS and (records := preview(runtime, name, days)):
        found["preview (masked)"] = records
    if name == COMPLETENESS and days:
        around = status(runtime, min(*days, max(days) - DAYS_DRAWN), max(days))
        if picture := completeness_picture(around.lines):
            found["picture"] = dg.MetadataValue.md(picture)
    return found


def _spec(name: str) -> dg.AssetSpec:
    if name in FILES:
        parent, description = FILES[name]
        return dg.AssetSpec(
            key_of(name),
            deps=[key_of(parent)],
            description=description,
            group_name="files",
            kinds={"zoom", "file"},
            owners=OWNERS,
            metadata=api_page(DATASETS[parent]),
        )
    dataset = DATASETS[name]
    kinds = {"parquet"} if name == COMPLETENESS else {"zoom", "parquet"}
    return dg.AssetSpec(
        key_of(name),
        deps=[key_of(dep) for dep in _deps(dataset)],
        description=_description(dataset),
        group_name=dataset.group,
        kinds=kinds,
        owners=OWNERS,
        metadata={"dagster/column_schema": LAKE_SCHEMA, **_facts(dataset)},
    )


def _deps(dataset: Dataset) -> Sequence[str]:
    if dataset.name == COMPLETENESS:
        read = (name for name in ALL if name not in REFERENCE and name != COMPLETENESS)
        return [*read, "zoom/inboxes", LATE_CLOSERS, SETTLING]
    parents = [dataset.parent] if dataset.parent else []
    return [*parents, *READ_FIRST.get(dataset.name, ())]


def _description(dataset: Dataset) -> str:
    lines = [dataset.description]
    if dataset.id_fields:
        lines.append(f"One record per `{' + '.join(dataset.id_fields)}`, every version kept as received.")
    if dataset.api_page:
        label = f"GET {dataset.endpoint.path}" if dataset.endpoint else "the operation it comes with"
        lines.append(f"Zoom's page: [{label}]({dataset.api_page})")
    return "\n\n".join(lines)


def _facts(dataset: Dataset) -> dict[str, Any]:
    facts: dict[str, Any] = {"lake folder": f"{dataset.name}/date=YYYY-MM-DD/", **api_page(dataset)}
    if dataset.endpoint:
        facts["operation"] = f"GET {dataset.endpoint.path}"
        facts["rate label"] = dataset.endpoint.label.value
        facts["scopes (any of)"] = dg.MetadataValue.md("\n".join(f"- `{scope}`" for scope in dataset.endpoint.scopes))
    return facts
