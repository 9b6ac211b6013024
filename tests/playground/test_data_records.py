"""The shared records: nothing is overwritten unseen, whoever writes, in whatever order, and whatever is killed meanwhile."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from slm_playground.data import schema
from slm_playground.data.errors import DataError, Moved
from slm_playground.data.records import Record, Records, Write, moved_to

POSIX = pytest.mark.skipif(os.name != "posix", reason="POSIX rights and signals")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "records"


@pytest.fixture
def records(folder: Path):
    opened = Records(folder)
    yield opened
    opened.close()


def message(name: str, base: int = 0, body: str | None = "{}", chat: str = "c") -> Write:
    return Write("message", name, chat, base, 1, body)


def everything(records: Records) -> dict[tuple[str, str], Record]:
    found: dict[tuple[str, str], Record] = {}
    after, more = 0, True
    while more:
        page = records.pull(after, most=7)
        assert [record.version for record in page.records] == sorted(record.version for record in page.records)
        found |= {(record.kind, record.id): record for record in page.records}
        after, more = page.next, page.more
    return found


def test_who_has_not_seen_the_present_version_writes_nothing(records: Records) -> None:
    (first,) = records.push([message("a", 0, '{"x":1}')])
    (second,) = records.push([message("a", first.version, '{"x":2}')])
    assert second.version > first.version
    (refused,) = records.push([message("a", first.version, '{"x":3}')])
    assert refused == second
    (again,) = records.push([message("a", first.version, '{"x":2}')])
    assert again == second, "what was written already (its answer was lost) is no conflict and no change"
    assert everything(records)[("message", "a")].body == '{"x":2}'


def test_with_a_chat_go_its_messages_and_no_others(records: Records) -> None:
    chat, *_ = records.push([Write("chat", "c", None, 0, 1, "{}"), message("a"), message("b"), message("z", chat="other")])
    records.push([Write("chat", "c", None, chat.version, 2, None)])
    left = everything(records)
    assert {name for (_, name), record in left.items() if record.body is None} == {"c", "a", "b"}
    assert left[("message", "a")].parent == "c", "a tombstone says where it belonged"
    assert records.counts() == {"message": 1}
    (back,) = records.push([message("a", left[("message", "a")].version)])
    assert back.body == "{}", "an undo brings it back"


@dataclass
class Browser:
    """One that keeps what it was told, writes what it likes, and merges by joining the sets of words in a record."""

    server: Records
    known: dict[str, tuple[int, frozenset[str]]] = field(default_factory=dict)
    own: dict[str, frozenset[str]] = field(default_factory=dict)
    cursor: int = 0

    def write(self, name: str, word: str) -> None:
        self.own[name] = self.own.get(name, self.known.get(name, (0, frozenset()))[1]) | {word}

    def pull(self) -> None:
        page = self.server.pull(self.cursor, most=3)
        for record in page.records:
            self.learn(record)
        self.cursor = page.next

    def push(self) -> None:
        sent = [
            Write("setting", name, None, self.known.get(name, (0, frozenset()))[0], 0, " ".join(sorted(words)))
            for name, words in self.own.items()
        ]
        for write, record in zip(sent, self.server.push(sent), strict=True):
            self.learn(record)
            if record.body == write.body:
                del self.own[record.id]

    def learn(self, record: Record) -> None:
        words = frozenset((record.body or "").split())
        if record.version < self.known.get(record.id, (0, frozenset()))[0]:
            return  # told before, by the answer to a push
        self.known[record.id] = (record.version, words)
        if record.id in self.own:
            self.own[record.id] |= words


@pytest.mark.parametrize("seed", range(25))
def test_no_word_is_lost_in_any_order_of_writes_pulls_and_pushes(folder: Path, seed: int) -> None:
    roll = random.Random(seed)
    servers = [Records(folder), Records(folder)]
    browsers = [Browser(servers[number % 2]) for number in range(4)]
    written: dict[str, set[str]] = {}
    for number in range(120):
        browser = roll.choice(browsers)
        act = roll.choice(["write", "write", "pull", "push", "restart"])
        if act == "write":
            name = f"r{roll.randrange(4)}"
            written.setdefault(name, set()).add(f"w{number}")
            browser.write(name, f"w{number}")
        elif act == "restart":
            which = roll.randrange(2)
            servers[which].close()
            servers[which] = Records(folder)
            for position in range(which, len(browsers), 2):
                browsers[position].server = servers[which]
        elif act == "pull":
            browser.pull()
        else:
            browser.push()
    for _ in range(100):
        for browser in browsers:
            browser.pull()
            browser.push()
        if not any(browser.own for browser in browsers):
            break
    for browser in browsers:
        while (page := browser.server.pull(browser.cursor)).records:
            for record in page.records:
                browser.learn(record)
            browser.cursor = page.next
        assert {name: set(words) for name, (_, words) in browser.known.items()} == written
    for server in servers:
        server.close()


_WRITER = """
import sys
from pathlib import Path
from slm_playground.data.records import Records, Write
records, name = Records(Path(sys.argv[1])), sys.argv[2]
number = 0
while number < int(sys.argv[3]):
    number += 1
    records.push([Write("message", f"{name}-{number}-{part}", "c", 0, 1, '{"text":"%s"}' % ("x" * 2000)) for part in range(3)])
    print(number, flush=True)
"""


def _writer(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", _WRITER, str(folder), name, str(count)], stdout=subprocess.PIPE, text=True)


def test_two_processes_write_at_once(folder: Path) -> None:
    with _writer(folder, "a", 40) as first, _writer(folder, "b", 40) as second:
        first.communicate()
        second.communicate()
    assert (first.returncode, second.returncode) == (0, 0)
    with closing(Records(folder)) as records:
        found = everything(records)
        assert len(found) == 2 * 40 * 3
        assert {record.version for record in found.values()} == set(range(1, 241)), "each has a number of its own"


def test_who_opens_a_new_file_while_another_begins_it_waits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite refuses the change to WAL at once there: of two servers that were started together one had no records."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / schema.FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(time, "sleep", lambda _: other.execute("ROLLBACK"))
        with closing(Records(folder)) as records:
            assert records.push([message("a")])[0].version == 1


@POSIX
def test_killed_in_the_middle_it_keeps_what_was_acknowledged_whole(folder: Path) -> None:
    with _writer(folder, "a", 10_000) as writer:
        assert writer.stdout
        for line in writer.stdout:
            if int(line) == 15:
                writer.kill()
                break
    with closing(Records(folder)) as records:
        assert schema_is_sound(folder)
        names = {name for _, name in everything(records)}
        assert {f"a-{number}-{part}" for number in range(1, 16) for part in range(3)} <= names
        assert len(names) % 3 == 0, "a push is there with all its records or not at all"
        records.push([message("after")])


def schema_is_sound(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / schema.FILE_NAME)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok")


@POSIX
def test_only_the_owner_may_read(records: Records, folder: Path) -> None:
    records.push([message("a")])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_deleted_is_gone_from_the_disk(records: Records, folder: Path) -> None:
    (first,) = records.push([message("a", 0, '{"text":"a secret of mine"}')])
    records.push([message("a", first.version, None)])
    records.erase()
    content = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert b"a secret of mine" not in content


def test_switched_off_nothing_is_taken_and_forgotten_is_another_epoch(records: Records) -> None:
    records.push([message("a")])
    before = records.status()
    records.switch(False)
    with pytest.raises(DataError, match="switched off") as refused:
        records.push([message("b")])
    assert refused.value.status == 409
    assert records.counts() == {"message": 1}
    records.switch(False, forget=True)
    assert records.counts() == {}
    records.switch(True)
    assert records.status().epoch != before.epoch
    assert records.push([message("a")])[0].version == 1


def test_erased_are_all_of_them_as_if_each_had_been_deleted(records: Records) -> None:
    records.push([Write("chat", "c", None, 0, 1, "{}"), message("a"), Write("setting", "s", None, 0, 1, "{}")])
    change = records.status().change
    records.erase()
    page = records.pull(change)
    assert {(record.kind, record.id, record.body) for record in page.records} == {
        ("chat", "c", None),
        ("message", "a", None),
        ("setting", "s", None),
    }


def test_an_older_file_is_brought_up_to_date_after_a_backup(folder: Path) -> None:
    with closing(Records(folder)) as old:
        old.push([message("a")])
        epoch = old.status().epoch
    newer = (*schema.MIGRATIONS, "ALTER TABLE records ADD COLUMN colour TEXT DEFAULT 'red'")
    with closing(Records(folder, migrations=newer)) as records:
        assert records.status().epoch == epoch
        assert records.counts() == {"message": 1}
    (backup,) = (folder / "backups").iterdir()
    assert backup.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(backup)) as kept:
        assert kept.execute("SELECT id FROM records").fetchall() == [("a",)]
        assert kept.execute("PRAGMA user_version").fetchone() == (1,)
    with pytest.raises(DataError, match="newer version"):
        Records(folder)


def test_a_migration_that_fails_leaves_everything_as_it_was(folder: Path) -> None:
    with closing(Records(folder)) as old:
        old.push([message("a")])
    broken = (*schema.MIGRATIONS, "ALTER TABLE records ADD COLUMN colour TEXT; INSERT INTO nowhere VALUES (1)")
    with pytest.raises(DataError):
        Records(folder, migrations=broken)
    with closing(Records(folder)) as records:
        assert records.counts() == {"message": 1}


def test_a_damaged_file_is_set_aside(folder: Path) -> None:
    with closing(Records(folder)) as old:
        epoch = old.status().epoch
    (folder / schema.FILE_NAME).write_bytes(b"no database any more" * 500)
    with closing(Records(folder)) as records:
        assert records.status().epoch != epoch, "browsers send theirs again"
        assert len(list(folder.glob("records-damaged-*.sqlite3"))) == 1


def test_a_full_disk_is_said_and_loses_nothing(folder: Path) -> None:
    with closing(Records(folder, max_bytes=120_000)) as records:
        (first,) = records.push([message("a")])
        with pytest.raises(DataError, match="no room") as full:
            records.push([message(f"m{number}", 0, f'"{"x" * 20_000}"') for number in range(10)])
        assert full.value.status == 507
        assert list(everything(records).values()) == [first], "none of them, not some"
        records.push([message("b")])


@POSIX
def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _READ_ONLY, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "Chats cannot be kept in" in done.stdout
    assert "until then chats stay in the browser" in done.stdout


_READ_ONLY = """
import os, sys, tempfile
from pathlib import Path
from slm_playground.data.errors import DataError
from slm_playground.data.records import Records
place = Path(tempfile.mkdtemp(dir="/tmp"))
if os.geteuid() == 0:
    os.chown(place, 65534, 65534)
    os.seteuid(65534)
place.chmod(0o500)
try:
    Records(place / "records")
except DataError as error:
    print(error)
os.seteuid(os.getuid())
place.chmod(0o700)
place.rmdir()
"""


def test_handed_over_they_are_there_and_no_longer_here(records: Records, folder: Path, tmp_path: Path) -> None:
    records.push([message("a")])
    with closing(Records(folder)) as other:
        records.hand_over(tmp_path / "new")
        with pytest.raises(Moved):
            other.push([message("b")])
        with pytest.raises(Moved):
            other.status()
    assert moved_to(folder) == tmp_path / "new"
    with closing(Records(tmp_path / "new")) as new:
        assert new.counts() == {"message": 1}
    records.take_back()
    assert records.counts() == {"message": 1}
