"""What was erased: keyed hashes of ids, and the key they are made with, which lies in a file outside the database.

Whoever has only the database cannot tell whose ids these are, and whoever has lost the key is told so: without it
nothing could be recognised any more, and the next poll would bring back what was erased.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.suppression import KEY_BYTES, KeyedHash, SuppressionList, key_check
from zcc_pipeline.state.database import Database, id_parts
from zcc_pipeline.state.schema import settings, suppressed

KEY_NAME = "suppression.key"

_CHECK_NAME = "suppression_key_check"


class StoredSuppression:
    """Implements ``Suppressed``. The key is read when it is first needed and made when something is first added."""

    def __init__(self, database: Database, keys_folder: Path | None) -> None:
        self._database, self._keys_folder = database, keys_folder
        self._key: bytes | None = None
        self._snapshot = SuppressionList()

    def is_empty(self) -> bool:
        """Whether nothing was ever erased."""
        with self._database.read() as connection:
            return connection.execute(sa.select(suppressed.c.id_hash).limit(1)).first() is None

    def filter(self, engagement_ids: Iterable[str]) -> frozenset[str]:
        """Those of the ids that were erased."""
        wanted = set(engagement_ids)
        if not wanted or self.is_empty():
            return frozenset()
        keyed = KeyedHash(self._known_key())
        by_hash = {keyed.of(each).hex(): each for each in wanted}
        found = set[str]()
        with self._database.read() as connection:
            for hashes in id_parts(by_hash):
                some = suppressed.c.id_hash.in_(hashes)
                found.update(by_hash[each] for each in connection.scalars(sa.select(suppressed.c.id_hash).where(some)))
        return frozenset(found)

    def snapshot(self) -> SuppressionList:
        """All of it as it is now. Nothing is ever taken out, so the number of entries tells whether it is the same."""
        with self._database.read() as connection:
            count = connection.scalar(sa.select(sa.func.count()).select_from(suppressed)) or 0
            if count != len(self._snapshot):
                hashes = frozenset(map(bytes.fromhex, connection.scalars(sa.select(suppressed.c.id_hash))))
                self._snapshot = SuppressionList(self._known_key(), hashes)
        return self._snapshot

    def add(self, engagement_ids: Iterable[str], *, now: datetime) -> None:
        """Never let these ids in again; adding one twice changes nothing."""
        wanted = set(engagement_ids)
        if not wanted:
            return
        with self._database.write() as connection:
            key = self._key_for_adding(connection)
            keyed = KeyedHash(key)
            rows = [{"id_hash": keyed.of(each).hex(), "added_at": now} for each in wanted]
            connection.execute(self._database.insert(suppressed).on_conflict_do_nothing(), rows)
        self._key = key

    @property
    def _key_path(self) -> Path:
        if self._keys_folder is None:
            raise ValueError("this state store was opened without a folder for keys")
        return self._keys_folder / KEY_NAME

    def _key_for_adding(self, connection: sa.Connection) -> bytes:
        """The key, made at the very first addition; what tells it from others is kept in the same transaction."""
        if self._key is not None:
            return self._key
        known = _known_check(connection)
        key = keep_or_make_key(self._key_path) if known is None else _read_key(self._key_path)
        if key is not None and known is None:
            # on another machine, with a key of its own, somebody else may be doing the same: one of the two fails
            first = self._database.insert(settings).values(name=_CHECK_NAME, value=key_check(key))
            connection.execute(first.on_conflict_do_nothing())
            known = _known_check(connection)
        return self._checked(key, known)

    def _known_key(self) -> bytes:
        if self._key is None:
            with self._database.read() as connection:
                known = _known_check(connection)
            self._key = self._checked(_read_key(self._key_path), known)
        return self._key

    def _checked(self, key: bytes | None, known: str | None) -> bytes:
        if key is None:
            raise _lost_key(self._key_path, "is missing, and engagements were erased under it")
        if known is None or not hmac.compare_digest(key_check(key), known):
            raise _lost_key(self._key_path, "is not the key under which engagements were erased")
        return key


def keep_or_make_key(path: Path) -> bytes:
    """The key in that file, made if there is none. Of several processes that make one at once, all get the same."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(KEY_BYTES) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            part.unlink()
        _sync_folder(path.parent)
    key = _read_key(path)
    if key is None:
        raise _lost_key(path, "was removed while it was made")
    return key


def _read_key(path: Path) -> bytes | None:
    """The key in that file, or None where there is no file; ``ConfigurationError`` where it holds something else."""
    try:
        text = path.read_text(encoding="ascii").strip()
        key = bytes.fromhex(text)
    except FileNotFoundError:
        return None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise _lost_key(path, f"does not hold a key ({KEY_BYTES * 2} hexadecimal digits)")
    return key


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _known_check(connection: sa.Connection) -> str | None:
    value: str | None = connection.scalar(sa.select(settings.c.value).where(settings.c.name == _CHECK_NAME))
    return value


def _lost_key(path: Path, problem: str) -> ConfigurationError:
    return ConfigurationError(
        str(path),
        f"{problem}. Without that key an erased engagement cannot be recognised, and would come back with the next "
        "poll; nothing is read, received or exported until it is there. Put it back from a backup, or copy it from "
        "the machine that erased",
        purpose="the key of the list of erased engagements; keep it with the backups of the state store",
    )
