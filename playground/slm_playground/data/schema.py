"""The file of the records: opened, brought up to date (after a backup), set aside where it is damaged. Knows no records."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from slm_playground.data import errors
from slm_playground.data.errors import DataError

FILE_NAME = "records.sqlite3"
BACKUPS = "backups"
KEPT_BACKUPS = 3
# Of the file; beyond it a write fails as on a full disk, and says so.
MAX_BYTES = 8 << 30
BUSY_SECONDS = 10
_LOOK_SECONDS = 0.01
_PAGE_BYTES = 4096

_log = logging.getLogger("slm_playground.data")

# Version n of the file is what the first n scripts make. A script that has been released is never changed.
# `version` of a record is the value that the counter `change` had after its last write: unique, and always growing.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
    CREATE TABLE records (
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        parent TEXT,
        version INTEGER NOT NULL UNIQUE,
        written_at INTEGER NOT NULL,
        body TEXT,
        PRIMARY KEY (kind, id)
    );
    CREATE INDEX records_by_parent ON records (parent) WHERE parent IS NOT NULL;
    INSERT INTO meta VALUES ('change', '0'), ('enabled', '1'), ('moved_to', NULL), ('epoch', new_epoch());
    """,
)


def open_file(folder: Path, *, migrations: Sequence[str] = MIGRATIONS, max_bytes: int = MAX_BYTES) -> sqlite3.Connection:
    """The file in `folder` (made where it is missing; 0700, the file 0600), in WAL mode and up to date.

    A file that is no database any more is renamed to `records-damaged-….sqlite3`: every browser still has its own records and
    sends them again.

    Raises: DataError where the folder cannot be written, the disk is full, or the file is of a newer version.
    """
    path = folder / FILE_NAME
    try:
        with told(path):
            _make_private(folder, path)
            return _opened(path, migrations, max_bytes)
    except sqlite3.DatabaseError as error:
        aside = folder / f"records-damaged-{_stamp()}.sqlite3"
        _log.error("%s is damaged (%s). It is kept as %s; browsers send their chats again.", path, error, aside.name)
        for ending in ("", "-wal", "-shm"):
            if (damaged := folder / f"{FILE_NAME}{ending}").exists():
                damaged.replace(folder / f"{aside.name}{ending}")
        with told(path):
            _make_private(folder, path)
            return _opened(path, migrations, max_bytes)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns what the disk and SQLite refuse into sentences; a damaged file stays a `sqlite3.DatabaseError`."""
    try:
        yield
    except OSError as error:
        raise _cannot_write(path, error.strerror or str(error)) from error
    except sqlite3.OperationalError as error:
        code = error.sqlite_errorcode & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise errors.told("copy-no-room", 507, folder=str(path.parent)) from error
        if code == sqlite3.SQLITE_BUSY:
            raise errors.told("copy-in-use", 503, path=str(path)) from error
        raise _cannot_write(path, str(error)) from error


def backup(source: Path, target: Path) -> None:
    """A whole and consistent copy of what is committed; checked before this returns.

    By a connection of its own: SQLite copies nothing from one that is in the middle of writing.

    Raises: OSError, sqlite3.Error.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as reader, closing(sqlite3.connect(target)) as copy:
        reader.backup(copy)
        (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged: {verdict}")


def _opened(path: Path, migrations: Sequence[str], max_bytes: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.create_function("new_epoch", 0, lambda: uuid.uuid4().hex)
        _write_ahead(connection)
        # What was acknowledged survives a power failure too: browsers do not send it again.
        connection.execute("PRAGMA synchronous=FULL")
        # Deleted is deleted: freed pages are overwritten.
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute(f"PRAGMA max_page_count={max(1, max_bytes // _PAGE_BYTES)}")
        _migrate(connection, path, migrations)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Into WAL mode. Of two that open a new file at once SQLite refuses one at once, whatever its timeout is: so wait here."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(_LOOK_SECONDS)


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    before = _version(connection)
    if before == len(migrations):
        return
    if before > len(migrations):
        raise errors.told("copy-newer", 409, path=str(path))
    if before > 0:
        backup(path, path.parent / BACKUPS / f"records-v{before}-{_stamp()}.sqlite3")
        for old in sorted((path.parent / BACKUPS).glob("records-v*.sqlite3"), key=lambda file: file.stat().st_mtime)[
            :-KEPT_BACKUPS
        ]:
            old.unlink()
    for number in range(before, len(migrations)):
        # executescript() would commit what is open, so the script brings its own transaction: all of a step or nothing.
        script = f"BEGIN IMMEDIATE;{migrations[number]};PRAGMA user_version={number + 1};COMMIT;"
        try:
            connection.executescript(script)
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if _version(connection) > number:
                continue  # another process was faster
            raise


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _make_private(folder: Path, path: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077 and os.name == "posix":
        folder.chmod(0o700)
    # Before SQLite makes it: the files of the log get the rights that this one has.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _cannot_write(path: Path, reason: str) -> DataError:
    return errors.told("copy-not-written", 507, folder=str(path.parent), said=reason)


def _stamp() -> str:
    return time.strftime("%Y%m%d-%H%M%S")
