"""The file manager: uploads, imports from an address, search by name.

Fields of an upload: https://developers.hubspot.com/docs/api-reference/2026-03/files/guide. ``options`` with ``access``
is required; a file without a folder is refused; a name that is taken gets a number, never an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

import msgspec

from zcc_pipeline.simulator.crm.base import Answer, Part, Request, json_answer
from zcc_pipeline.simulator.crm.hubspot.properties import instant
from zcc_pipeline.simulator.crm.hubspot.refusals import invalid, nothing_here

LARGEST_FILE = 2 * 1024**3
_ACCESS = {"PRIVATE", "PUBLIC_INDEXABLE", "PUBLIC_NOT_INDEXABLE", "HIDDEN_PRIVATE"}


@dataclass(slots=True)
class File:
    """One file. ``content`` is kept for tests to compare."""

    id: str
    name: str
    extension: str
    folder: str
    access: str
    content: bytes = field(repr=False)
    media_type: str
    created_at: datetime
    expires: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the files API shows it: the name without its extension."""
        return {
            "id": self.id,
            "name": self.name,
            "extension": self.extension,
            "path": f"{self.folder}/{self.name}.{self.extension}",
            "parentFolderId": str(int.from_bytes(hashlib.blake2b(self.folder.encode(), digest_size=5).digest())),
            "access": self.access,
            "size": len(self.content),
            "type": "AUDIO" if self.media_type.startswith("audio/") else "DOCUMENT",
            "fileMd5": hashlib.md5(self.content, usedforsecurity=False).hexdigest(),
            "createdAt": instant(self.created_at),
            "updatedAt": instant(self.created_at),
            "archived": False,
        }


class FileManager:
    """All files of the account."""

    def __init__(self, clock: Callable[[], datetime], refuses: Callable[[str, str], bool]) -> None:
        self.by_id: dict[str, File] = {}
        self._clock = clock
        self._refuses = refuses
        self._ids = count(90_000_001)
        self._tasks: dict[str, str] = {}

    def upload(self, request: Request) -> Answer:
        """POST multipart."""
        parts = {part.name: part for part in request.multipart()}
        content = parts.get("file")
        if content is None:
            raise invalid("No file was provided")
        options = _json_of(parts.get("options"))
        folder = _text_of(parts.get("folderPath")) or _text_of(parts.get("folderId"))
        if not folder or ("folderPath" in parts and "folderId" in parts):
            raise invalid("Either folderId or folderPath must be given, and not both")
        name = _text_of(parts.get("fileName")) or content.file_name
        media_type = content.media_type
        file = self._add(name, folder, options.get("access"), content.content, media_type, str(options.get("ttl", "")))
        return json_answer(file.as_json(), status=201)

    def import_from_url(self, request: Request) -> Answer:
        """POST: the file is fetched in the background; the answer is a task."""
        content = request.json_object()
        needed = ("url", "access", "duplicateValidationScope", "duplicateValidationStrategy", "overwrite")
        missing = [name for name in needed if name not in content]
        if missing:
            raise invalid(f"Some required fields were not set: {missing}")
        name = str(content.get("name") or content["url"].rsplit("/", 1)[-1])
        folder = str(content.get("folderPath") or content.get("folderId") or "")
        existing = self._named(name, folder)
        if existing is not None and content["duplicateValidationStrategy"] == "REJECT":
            raise invalid("A duplicate file exists")
        if existing is None or content["duplicateValidationStrategy"] == "NONE":
            existing = self._add(
                name, folder, content["access"], content["url"].encode(), "application/octet-stream", ""
            )
        task = f"task-{len(self._tasks) + 1}"
        self._tasks[task] = existing.id
        return json_answer({"id": task, "links": {"status": f"tasks/{task}/status"}}, status=202)

    def task(self, request: Request) -> Answer:
        """GET an import's state."""
        task = request.values["task"]
        if task not in self._tasks:
            raise nothing_here()
        return json_answer(
            {"taskId": task, "status": "COMPLETE", "result": self.by_id[self._tasks[task]].as_json(), "errors": []}
        )

    def read(self, request: Request) -> Answer:
        """GET one."""
        file = self.by_id.get(request.values["id"])
        if file is None:
            raise nothing_here()
        return json_answer(file.as_json())

    def search(self, request: Request) -> Answer:
        """GET by name (without its extension) and by the file's own path."""
        name, path, limit = request.query.get("name"), request.query.get("path"), int(request.query.get("limit", "20"))
        found = [
            file.as_json()
            for file in self.by_id.values()
            if (name is None or file.name == name) and (path is None or file.as_json()["path"] == path)
        ]
        return json_answer({"results": found[:limit], "total": len(found)})

    def _add(self, name: str, folder: str, access: Any, content: bytes, media_type: str, ttl: str) -> File:  # noqa: ANN401
        if access not in _ACCESS:
            raise invalid("options must name one of the kinds of access")
        stem, _, extension = name.rpartition(".")
        if not stem or not extension:
            raise invalid("The file's name has no extension")
        if len(content) > LARGEST_FILE or self._refuses(name, ""):
            raise invalid("This file cannot be uploaded")
        free, number = stem, 0
        while self._named(f"{free}.{extension}", folder) is not None:
            number += 1
            free = f"{stem}-{number}"
        folder = "/" + folder.strip("/")
        file = File(str(next(self._ids)), free, extension, folder, access, content, media_type, self._clock(), ttl)
        self.by_id[file.id] = file
        return file

    def _named(self, name: str, folder: str) -> File | None:
        wanted = ("/" + folder.strip("/"), name)
        return next((f for f in self.by_id.values() if (f.folder, f"{f.name}.{f.extension}") == wanted), None)


def _text_of(part: Part | None) -> str:
    return part.content.decode("utf-8", "replace") if part is not None else ""


def _json_of(part: Part | None) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(part.content) if part is not None else {}
    except msgspec.DecodeError:
        raise invalid("options is not JSON") from None
    return found if isinstance(found, dict) else {}
