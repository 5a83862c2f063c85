"""Bring the archive's second copy up to date, while nobody exports."""

from __future__ import annotations

from zcc_pipeline.archive.copying import Copied
from zcc_pipeline.archive.opening import COPY_SETTING
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.pipeline.runtime import Runtime


def update_second_copy(runtime: Runtime, *, everything: bool = False) -> Copied:
    """``ConfigurationError`` where the settings name none; ``TransientError`` where an export is under way."""
    with runtime.state.exports.exclusive("archive"):
        copied = copy_with_progress(runtime, everything=everything)
    if copied is None:
        raise ConfigurationError(
            COPY_SETTING, "is not set", purpose="gets a second copy of the archive", example="/mnt/elsewhere/archive"
        )
    return copied


def copy_with_progress(runtime: Runtime, *, everything: bool = False) -> Copied | None:
    """The same for whoever is alone already; None where there is no second copy."""
    if runtime.archive.copy_place is None:
        return None
    runtime.progress.start("second copy", None)
    copied = runtime.archive.update_second_copy(
        everything=everything, advance=lambda objects: runtime.progress.advance("second copy", objects)
    )
    runtime.progress.finish("second copy")
    return copied
