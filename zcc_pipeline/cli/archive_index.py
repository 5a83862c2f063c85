"""``zcc archive index``: the index made anew."""

from __future__ import annotations

from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.screen import counted, path_text, print_json, say


def index(as_json: JsonOption = False) -> None:
    """Make the index anew from the objects and the ledger, when it was lost or damaged.

    Exports, holds and releases keep it up by themselves. It is Parquet, a folder a day under index in the archive, and
    the view archive_index of the analysts' copy.

    Example:
        zcc archive index
    """
    from zcc_pipeline.cli.session import opened_runtime
    from zcc_pipeline.pipeline.archive_indexing import rebuild, table_path

    with opened_runtime(as_json=as_json) as runtime:
        objects = rebuild(runtime)
        path = table_path(runtime)
    if as_json:
        print_json({"objects": objects, "table": path})
        return
    say(f"{counted(objects, 'object')} in the index; as one file: {path_text(path)}")
