"""Settings read and rooms opened for the length of one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zcc_pipeline.cli.demo_home import refuse_to_mix
from zcc_pipeline.cli.progress import watched

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.runtime import Runtime


@contextmanager
def opened_runtime(*, as_json: bool = False, lands: bool = False) -> Iterator[Runtime]:
    """The runtime of the settings in the environment, with bars on a terminal.

    A command that ``lands`` what it reads needs credentials, and a home that is not a demo's.
    """
    from zcc_pipeline.settings import load_settings, open_runtime

    settings = load_settings()
    if lands:
        refuse_to_mix(settings)
    with watched(as_json=as_json) as progress, open_runtime(settings, progress=progress) as runtime:
        if lands:
            runtime.require_credentials()
        yield runtime
