"""Records that all shells share: chats, documents, settings. Knows which write replaces which, not what is in a record.

Optimistic concurrency: who writes a record names the version that it replaces. Where that is not the present one, nothing is
written and the present one is the answer: merging is done by who knows what the record is (web/src/state/sync). So no write
ever overwrites something that its writer has not seen, however many browsers and servers write at once.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slm_playground.data import schema
from slm_playground.data.errors import Moved, told

# Kinds that others belong to: with them goes what is theirs.
PARENTS = frozenset({"chat", "document"})
KINDS = frozenset({*PARENTS, "message", "text_version", "setting"})
_COLUMNS = "kind, id, parent, version, written_at, body"


@dataclass(frozen=True, slots=True)
class Record:
    """`version` grows with every write of any record; `written_at` is the writer's clock (ms since 1970); `body` is JSON,
    None for a deleted record."""

    kind: str
    id: str
    parent: str | None
    version: int
    written_at: int
    body: str | None


@dataclass(frozen=True, slots=True)
class Write:
    """`base`: the version that this replaces, 0 for a record that its writer has never seen here."""

    kind: str
    id: str
    parent: str | None
    base: int
    written_at: int
    body: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """`epoch` names these records: another one means that they were deleted and begun anew. `change`: the newest version."""

    epoch: str
    change: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Records in the order of their versions; `next` is where to go on, `more` whether there is more at once."""

    records: tuple[Record, ...]
    next: int
    more: bool


class Records:
    """The records of one data folder; any number of processes may have it open.

    Raises (every method): DataError; Moved where another process has moved them.
    """

    def __init__(self, folder: Path, *, migrations: Sequence[str] = schema.MIGRATIONS, max_bytes: int = schema.MAX_BYTES) -> None:
        self.folder = folder
        self._path = folder / schema.FILE_NAME
        self._connection = schema.open_file(folder, migrations=migrations, max_bytes=max_bytes)
        self._lock = threading.RLock()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def status(self) -> Status:
        with self._reading() as connection:
            return _status(connection)

    def push(self, writes: Sequence[Write]) -> list[Record]:
        """Write what replaces the present version, or is it already; all in one transaction. Gives each record as it is
        afterwards: of another content than was sent where somebody else was first.

        Raises: DataError where the records are switched off.
        """
        with self._writing() as connection:
            if not _status(connection).enabled:
                raise told("copy-off", 409)
            return [_write(connection, write) for write in writes]

    def pull(self, after: int, most: int = 300, most_bytes: int = 1 << 20) -> Page:
        """Records with a version above `after`, oldest first: at most so many, at most so many bytes but for a single one."""
        with self._reading() as connection:
            change = _status(connection).change
            cursor = connection.execute(
                f"SELECT {_COLUMNS} FROM records WHERE version > ? ORDER BY version LIMIT ?", (after, most + 1)
            )
            found: list[Record] = []
            size = 0
            for row in cursor:
                size += len(row[5] or "")
                if found and (len(found) == most or size > most_bytes):
                    return Page(tuple(found), found[-1].version, True)
                found.append(Record(*row))
            return Page(tuple(found), max(change, after), False)

    def counts(self) -> dict[str, int]:
        """How many records there are of each kind, without deleted ones."""
        with self._reading() as connection:
            rows = connection.execute("SELECT kind, count(*) FROM records WHERE body IS NOT NULL GROUP BY kind")
            return dict(rows.fetchall())

    def switch(self, enabled: bool, *, forget: bool = False) -> None:
        """On or off for all shells. `forget` deletes all records; browsers keep theirs, and send them when it is on again."""
        with self._writing() as connection:
            _set(connection, "enabled", "1" if enabled else "0")
            if forget:
                connection.execute("DELETE FROM records")
                connection.execute("UPDATE meta SET value = new_epoch() WHERE key = 'epoch'")
                _set(connection, "change", "0")
        if forget:
            self._shrink()

    def erase(self) -> None:
        """Delete every record, in every shell too: as if somebody had deleted each."""
        with self._writing() as connection:
            rows = connection.execute("SELECT kind, id FROM records WHERE body IS NOT NULL ORDER BY version").fetchall()
            for kind, name in rows:
                _put(connection, Write(kind, name, None, 0, 0, None), keep_parent=True)
        self._shrink()

    def hand_over(self, target: Path) -> None:
        """Copy everything into the folder `target` and mark these as moved there, in one step for every process: what is
        written afterwards is written there, or raises Moved."""
        with self._writing() as connection:
            schema.backup(self._path, target / schema.FILE_NAME)
            _set(connection, "moved_to", str(target))

    def take_back(self) -> None:
        """Undo `hand_over`: the new folder could not be made the data folder."""
        with self._lock, schema.told(self._path):
            _set(self._connection, "moved_to", None)

    def _shrink(self) -> None:
        with self._lock, schema.told(self._path):
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, schema.told(self._path):
            self._connection.execute("BEGIN")
            try:
                _check_place(self._connection)
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, schema.told(self._path):
            # At once, not at the first write: two processes that both read first could not both go on.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                _check_place(self._connection)
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


def moved_to(folder: Path) -> Path | None:
    """Where the records of `folder` were handed over to, None where they are here or there are none."""
    path = folder / schema.FILE_NAME
    if not path.is_file():
        return None
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=schema.BUSY_SECONDS)
        try:
            (target,) = connection.execute("SELECT value FROM meta WHERE key = 'moved_to'").fetchone()
        finally:
            connection.close()
    except (sqlite3.Error, TypeError):
        return None
    return Path(target) if target else None


def _write(connection: sqlite3.Connection, write: Write) -> Record:
    present = _find(connection, write.kind, write.id)
    if present:
        if present.body == write.body and present.parent == write.parent:
            return present
        if present.version != write.base:
            return present
    return _put(connection, write)


def _put(connection: sqlite3.Connection, write: Write, *, keep_parent: bool = False) -> Record:
    version = _status(connection).change + 1
    connection.execute(
        f"""INSERT INTO records ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, written_at = excluded.written_at,
            body = excluded.body, parent = CASE WHEN ? THEN parent ELSE excluded.parent END""",
        (write.kind, write.id, write.parent, version, write.written_at, write.body, keep_parent),
    )
    _set(connection, "change", str(version))
    if write.body is None and write.kind in PARENTS:
        rows = connection.execute(
            "SELECT kind, id FROM records WHERE parent = ? AND body IS NOT NULL ORDER BY version", (write.id,)
        ).fetchall()
        for kind, name in rows:
            _put(connection, Write(kind, name, None, 0, write.written_at, None), keep_parent=True)
    return Record(write.kind, write.id, write.parent, version, write.written_at, write.body)


def _find(connection: sqlite3.Connection, kind: str, name: str) -> Record | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM records WHERE kind = ? AND id = ?", (kind, name)).fetchone()
    return Record(*row) if row else None


def _status(connection: sqlite3.Connection) -> Status:
    meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    return Status(meta["epoch"], int(meta["change"]), meta["enabled"] == "1")


def _set(connection: sqlite3.Connection, key: str, value: str | None) -> None:
    connection.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))


def _check_place(connection: sqlite3.Connection) -> None:
    if connection.execute("SELECT value FROM meta WHERE key = 'moved_to'").fetchone()[0]:
        raise Moved
