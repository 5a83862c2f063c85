"""One export as a process of its own, to be killed: ``python -m …exporting_process ORDER`` with a pickled order."""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.mapping import CrmMapping, read_mapping
from zcc_pipeline.exports.report import ExportReport
from zcc_pipeline.exports.sync import Wanted, sync
from zcc_pipeline.pipeline.crms import make_destination, require_access
from zcc_pipeline.settings import load_settings
from zcc_pipeline.settings.crm import crm_access
from zcc_pipeline.simulator.crm.catalogue import environment_of
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.exports.office import Sounds, chunks_of


@dataclass(frozen=True)
class Order:
    """What to export where."""

    crm: str
    url: str
    state_path: str
    batch_size: int
    activities: list[Activity]


def carry_out(order: Order) -> ExportReport:
    """As ``zcc export`` would, with the destination that it would make."""
    mapping = read_mapping(order.crm, None)
    with StateStore.open(order.state_path) as state:
        return asyncio.run(_export(order, mapping, state))


async def _export(order: Order, mapping: CrmMapping, state: StateStore) -> ExportReport:
    settings = load_settings(environment_of(order.crm, order.url), dotenv=Path("/nonexistent/.env"))
    destination = make_destination(require_access(crm_access(settings), order.crm), mapping, clock=SystemClock())
    destination.batch_size = order.batch_size

    def source(wanted: Wanted) -> Iterator[list[Activity]]:
        return chunks_of(order.activities, wanted)

    async with destination:
        return await sync(
            source,
            destination,
            mapping=mapping,
            ledger=state.exports,
            quarantine=state.quarantine,
            files=Sounds(),
            clock=SystemClock(),
        )


if __name__ == "__main__":
    report = carry_out(pickle.loads(Path(sys.argv[1]).read_bytes()))  # noqa: S301 - written by the test itself
    sys.exit(0 if report.is_complete else 3)
