"""The Attachment API: files of records. The same name twice makes two files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from zcc_pipeline.simulator.crm.base import Answer, Request, json_answer
from zcc_pipeline.simulator.crm.servicenow.answering import Shown, no_record, refuse
from zcc_pipeline.simulator.crm.servicenow.instance import Instance
from zcc_pipeline.simulator.crm.servicenow.table_api import read_query

_MEBIBYTE = 1024 * 1024


class AttachmentApi:
    """Handlers of the Attachment API."""

    def __init__(self, instance: Instance, *, base_url: Callable[[], str], count: Callable[[str], None]) -> None:
        self._instance = instance
        self._base_url = base_url
        self._count = count
        self.contents: dict[str, bytes] = {}
        """Of files, by their id."""

    def list_files(self, request: Request) -> Answer:
        """``GET /attachment``."""
        query = read_query(request.query.get("sysparm_query", ""))
        found = self._instance.find("sys_attachment", query, drop_invalid=True)
        limit = request.query.get("sysparm_limit", "")
        shown = Shown(self._instance, request, self._base_url())
        rows = [shown.row(row) for row in found[: int(limit) if limit.isdigit() else 1000]]
        return json_answer({"result": rows}, headers={"X-Total-Count": str(len(found))})

    def upload(self, request: Request) -> Answer:
        """``POST /attachment/file``."""
        query = request.query
        table, record, name = (query.get(key, "") for key in ("table_name", "table_sys_id", "file_name"))
        if not (table and record and name):
            raise refuse(400, "Missing required parameter", "table_name, table_sys_id and file_name are required")
        if not request.media_type:
            raise refuse(400, "Missing Content-Type header")
        if table not in self._instance.tables or self._instance.get(table, record) is None:
            raise no_record()
        self._check(name, len(request.body))
        row = self._instance.insert(
            "sys_attachment",
            {
                "table_name": table,
                "table_sys_id": record,
                "file_name": name,
                "content_type": request.media_type,
                "size_bytes": str(len(request.body)),
                "hash": hashlib.sha256(request.body).hexdigest(),
            },
        )
        self.contents[row["sys_id"]] = request.body
        self._count("sys_attachment inserted")
        where = {"Location": f"{self._base_url()}/api/now/attachment/{row['sys_id']}"}
        shown = Shown(self._instance, request, self._base_url()).row(row)
        return json_answer({"result": shown}, status=201, headers=where)

    def read(self, request: Request) -> Answer:
        """``GET /attachment/{sys_id}/file``."""
        content = self.contents.get(request.values["sys_id"])
        if content is None:
            raise no_record()
        return Answer(content, media_type="application/octet-stream")

    def _check(self, name: str, size: int) -> None:
        allowed = self._instance.setting("glide.attachment.extensions")
        extension = name.rpartition(".")[2].lower() if "." in name else ""
        if allowed and extension not in allowed.split(","):
            raise refuse(403, "Operation Failed", f"File type is not allowed: .{extension}")
        most = float(self._instance.setting("com.glide.attachment.max_size") or 1024)
        if size > most * _MEBIBYTE:
            raise refuse(413, "Operation Failed", "The file exceeds the maximum size")
