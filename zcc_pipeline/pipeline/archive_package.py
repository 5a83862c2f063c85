"""Hand a selection over: choose, pack, and let the ledger say for which matter it was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zcc_pipeline.archive.ledger import Action, Entry
from zcc_pipeline.archive.packaging import Packaged, Request, Selection, select, write_package
from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.pipeline.runtime import Runtime


@dataclass(frozen=True, slots=True)
class PackageOutcome:
    """The package, and the number of its first entry in the ledger."""

    packaged: Packaged
    entry: int


def package(
    runtime: Runtime, selection: Selection, *, matter: str, to: Path, all_versions: bool = False
) -> PackageOutcome:
    """Raises ``PermanentError`` where nothing fits, or an engagement that was named is not in the archive."""
    archive = runtime.archive
    runtime.progress.start("choosing", None)
    chosen = list(
        select(archive.objects, selection, advance=lambda objects: runtime.progress.advance("choosing", objects))
    )
    runtime.progress.finish("choosing")
    missing = selection.engagement_ids - {each.engagement_id for each in chosen}
    if missing:
        raise PermanentError(
            f"{len(missing)} of the engagements named are not in the archive, or not of that customer and those days"
        )
    if not chosen:
        raise PermanentError("nothing in the archive fits: no package was made")
    request = Request(matter, archive.actor, runtime.clock.now(), all_versions)
    runtime.progress.start("packing", len(chosen))
    packaged = write_package(
        archive.objects,
        archive.ledger,
        chosen,
        to,
        request,
        advance=lambda objects: runtime.progress.advance("packing", objects),
    )
    runtime.progress.finish("packing")
    run_id = runtime.new_id()
    counts = {"objects": packaged.objects, "files": packaged.files, "bytes": packaged.bytes_written}
    whole = Entry(Action.PACKAGE, archive.actor, run_id, matter=matter, manifest_sha512=packaged.sha512, counts=counts)
    each = [
        Entry(
            Action.PACKAGE, archive.actor, run_id, one.object_id, matter=matter, manifest_sha512=packaged.sha512
        )
        for one in chosen
    ]  # fmt: skip
    appended = archive.ledger.append([whole, *each])
    return PackageOutcome(packaged, appended.logged[0].seq)
