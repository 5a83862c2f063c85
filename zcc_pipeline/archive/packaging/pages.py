"""What people read in a package: the cover sheet and how to check everything without our software."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import groupby
from urllib.parse import quote

from zcc_pipeline.archive.ledger import Logged
from zcc_pipeline.archive.packaging.selection import Chosen

_STYLE = """\
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d0d7de;padding:.35rem .6rem;text-align:left;
vertical-align:top;overflow-wrap:anywhere}code{font-size:.9em}ul{margin:0;padding-left:1.2rem}"""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of the package. ``where`` is below ``data``; ``path`` is what it is called in the archive."""

    chosen: Chosen
    folder: str
    where: str
    path: str
    version: int
    size_bytes: int
    sha512: str
    inventory_sha512: str


def render_index(
    chosen: Sequence[Chosen], rows: Sequence[FileRow], trail: Sequence[Logged], matter: str, made_by: str, at: datetime
) -> str:
    """``index.html``: what was handed over, with a link to each file."""
    by_object = {object_id: list(group) for object_id, group in groupby(rows, key=lambda row: row.chosen.object_id)}
    engagements = "".join(_engagement(each, by_object.get(each.object_id, [])) for each in chosen)
    entries = "".join(
        f"<tr><td>{logged.seq}</td><td>{logged.time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC</td>"
        f"<td>{escape(logged.entry.action)}</td><td>{escape(logged.entry.actor)}</td>"
        f"<td><code>{escape(logged.entry.object_id or '')}</code></td>"
        f"<td>{logged.entry.version or ''}</td><td>{escape(logged.entry.reason or '')}</td></tr>"
        for logged in trail
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Package of engagements</title>'
        f"<style>{_STYLE}</style></head><body><h1>Package of engagements</h1>"
        f"<p>Matter <strong>{escape(matter)}</strong>, made by {escape(made_by)} on "
        f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC. {len(chosen):,} engagements, {len(rows):,} files. "
        "<code>HOW-TO-VERIFY.txt</code> beside this folder says how to check that nothing was changed.</p>"
        f"<h2>Engagements</h2><table><tr><th>engagement</th><th>start</th><th>end</th><th>files</th></tr>{engagements}"
        "</table><h2>Audit trail</h2><table><tr><th>entry</th><th>time</th><th>action</th><th>by</th><th>object</th>"
        f"<th>version</th><th>reason</th></tr>{entries}</table></body></html>\n"
    )


def _engagement(each: Chosen, rows: Sequence[FileRow]) -> str:
    files = "".join(
        f'<li><a href="{quote(row.where)}">{escape(row.path)}</a> (v{row.version}, {row.size_bytes:,} bytes)</li>'
        for row in rows
    )
    return (
        f"<tr><td><code>{escape(each.engagement_id)}</code></td><td>{escape(each.text('start_time'))}</td>"
        f"<td>{escape(each.text('end_time'))}</td><td><ul>{files}</ul></td></tr>"
    )


def instructions(matter: str) -> str:
    """For a person with a shell and nothing else."""
    return f"""\
How to check this package (matter {" ".join(matter.split())})

You need a shell with sha512sum (GNU coreutils; on macOS: shasum -a 512). Nothing else.

1. Nothing was changed since it was packed. In this folder:

       sha512sum --check --strict --quiet tagmanifest-sha512.txt
       sha512sum --check --strict --quiet manifest-sha512.txt

   Both say nothing and end with exit code 0. This compares every file that is listed; to see that there is no other:

       find data -type f | wc -l          has as many lines as
       wc -l manifest-sha512.txt

2. It is the package that was handed over. The digest of

       sha512sum tagmanifest-sha512.txt

   is in the archive's ledger (action "package"); ask the sender for it on another way than this package came.

3. Each engagement is as it was archived. Its inventory.json lists the SHA-512 of each file that was ever archived, and

       sha512sum data/engagements/*/inventory.json

   gives the digests that data/audit-trail.csv has in the last "create" or "add-version" line of that object. The audit
   trail is an extract of an append-only ledger (RFC 6962 tree, C2SP tlog-tiles); data/ledger-checkpoint.txt is its
   signed head at the time of packing. data/files.csv says which file of the package is which file of the archive.

An apostrophe before a text in a CSV file keeps spreadsheets from taking it for a formula; it is not part of the text.
"""
