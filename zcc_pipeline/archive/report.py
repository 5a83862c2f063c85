"""What a verification leaves for people (HTML) and for programs (JSON). Neither holds anything of what objects hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha512
from html import escape
from itertools import islice
from pathlib import Path

from zcc_pipeline.archive.ledger import Checkpoint
from zcc_pipeline.archive.verification import Counts, Notebook

_SHOWN = 1_000
_STYLE = """\
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d0d7de;padding:.35rem .6rem;text-align:left;
vertical-align:top;overflow-wrap:anywhere}.clean{color:#116329}.findings{color:#a40e26}code{font-size:.9em}"""
_LABELS = {
    "entries": "entries of the ledger",
    "stamps": "time stamps of checkpoints",
    "objects": "objects",
    "bytes_read": "bytes read",
    "purged": "objects erased by the ledger's own word",
    "locked": "objects whose locks in the storage were held against the ledger",
    "windows": "days of datasets that are closed",
    "index_files": "files of the index",
    "copies": "objects of the second copy",
    "findings": "findings",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """One verification, apart from its findings."""

    started_at: datetime
    finished_at: datetime
    counts: Counts
    checkpoint: Checkpoint | None
    """The newest of the ledger; None where there is none that could be read."""
    checkpoints_from_elsewhere: int
    has_second_copy: bool

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.counts.findings


@dataclass(frozen=True, slots=True)
class Written:
    """Where the report is. ``sha512`` is of the JSON file; the ledger names it."""

    json_path: Path
    html_path: Path
    sha512: str


def write_report(folder: Path, summary: Summary, notebook: Notebook) -> Written:
    """Two files named after the moment at which the verification began."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"verification-{summary.started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    json_path, html_path = folder / f"{name}.json", folder / f"{name}.html"
    digest = sha512()
    with json_path.open("w", encoding="utf-8") as stream:
        for text in _json(summary, notebook):
            stream.write(text)
            digest.update(text.encode())
    html_path.write_text(_html(summary, notebook), encoding="utf-8")
    return Written(json_path, html_path, digest.hexdigest())


def document_of(summary: Summary) -> dict[str, object]:
    """For scripts: everything but the findings."""
    checkpoint = summary.checkpoint
    return {
        "result": "clean" if summary.is_clean else "findings",
        "started_at": summary.started_at.isoformat(),
        "finished_at": summary.finished_at.isoformat(),
        "counts": asdict(summary.counts),
        "ledger": None
        if checkpoint is None
        else {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()},
        "checkpoints_from_elsewhere": summary.checkpoints_from_elsewhere,
        "second_copy_verified": summary.has_second_copy,
    }


def _json(summary: Summary, notebook: Notebook) -> Iterator[str]:
    """However many findings there are, one is in memory at a time."""
    head = json.dumps(document_of(summary), indent=1)
    yield head.removesuffix("\n}") + ',\n "findings": ['
    separator = "\n  "
    for finding in notebook.findings():
        yield separator + json.dumps(asdict(finding), ensure_ascii=False)
        separator = ",\n  "
    yield "\n ]\n}\n"


def _html(summary: Summary, notebook: Notebook) -> str:
    verdict = "clean" if summary.is_clean else "findings"
    words = "Nothing wrong was found." if summary.is_clean else f"{summary.counts.findings:,} things are wrong."
    counts = "".join(
        f"<tr><th>{escape(_LABELS[name])}</th><td>{value:,}</td></tr>" for name, value in asdict(summary.counts).items()
    )
    rows = "".join(
        f"<tr><td>{escape(each.area)}</td><td><code>{escape(each.where)}</code></td>"
        f"<td><code>{escape(each.path)}</code></td><td>{escape(each.text)}</td></tr>"
        for each in islice(notebook.findings(), _SHOWN)
    )
    more = summary.counts.findings - _SHOWN
    table = (
        "<h2>Findings</h2><table><tr><th>part</th><th>object or file</th><th>file in it</th><th>what is wrong</th></tr>"
        f"{rows}</table>"
        if rows
        else ""
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Archive verification</title>'
        f"<style>{_STYLE}</style></head><body><h1>Verification of the archive</h1>"
        f'<p class="{verdict}"><strong>{words}</strong></p>'
        f"<p>{_moment(summary.started_at)} to {_moment(summary.finished_at)}. {escape(_about_ledger(summary))}</p>"
        f"<table>{counts}</table>{table}"
        + (f"<p>And {more:,} more: see the JSON file beside this one.</p>" if more > 0 else "")
        + "</body></html>\n"
    )


def _about_ledger(summary: Summary) -> str:
    if summary.checkpoint is None:
        return "The ledger's newest checkpoint could not be read."
    others = summary.checkpoints_from_elsewhere
    return (
        f"The ledger has {summary.checkpoint.size:,} entries and the root {summary.checkpoint.root.hex()}. "
        + (f"{others:,} checkpoints kept elsewhere were held against it." if others else "No checkpoint that was kept "
           "elsewhere was held against it: a ledger that was cut, with all its copies, does not show.")
    )  # fmt: skip


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
