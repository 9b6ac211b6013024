"""Fetching one file: ranges side by side, broken connections, resuming, files that change, servers that lie."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from faraway import PATIENCE_SECONDS, Faraway, serve

from slm_playground.library import transfer
from slm_playground.library.errors import LibraryError, Stopped
from slm_playground.library.remote import Received, RemoteFile, Watch
from slm_playground.library.transfer import fetch

CONTENT = random.Random(6).randbytes(10_500)


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "SEGMENT_BYTES", 1000)
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 256)


@pytest.fixture
def faraway() -> Iterator[Faraway]:
    far = Faraway({"/m/weights": CONTENT})
    server = serve(far)
    yield far
    server.shutdown()
    server.server_close()


def remote(faraway: Faraway, sha256: str | None = "right", size_bytes: int | None = len(CONTENT)) -> RemoteFile:
    digest = hashlib.sha256(CONTENT).hexdigest() if sha256 == "right" else sha256
    return RemoteFile("weights", f"{faraway.url}/m/weights", size_bytes, digest)


class Counter:
    def __init__(self, stop_at: int | None = None) -> None:
        self.total = 0
        self.lowest = 0
        self.watch = Watch(self.count, threading.Event(), patience=0)
        self._stop_at = stop_at
        self._lock = threading.Lock()

    def count(self, size_bytes: int) -> None:
        with self._lock:
            self.total += size_bytes
            self.lowest = min(self.lowest, size_bytes)
            if self._stop_at is not None and self.total >= self._stop_at:
                self.watch.stop.set()


def test_in_ranges_and_verified(faraway: Faraway, tmp_path: Path) -> None:
    counter = Counter()
    received = fetch(remote(faraway), tmp_path / "w", counter.watch)
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert (received.size_bytes, received.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert sorted(faraway.ranges("weights"), key=str)[:2] == ["bytes=0-0", "bytes=0-999"]
    assert len(faraway.asked) == 12
    assert counter.total == len(CONTENT)
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_several_ranges_are_under_way_at_once(faraway: Faraway, tmp_path: Path) -> None:
    together = threading.Barrier(transfer.PARALLEL, timeout=PATIENCE_SECONDS)
    meetings: list[int] = []

    def meet(_path: str, wanted: str | None) -> None:
        # The first four segments wait for one another: one at a time would never get here.
        if wanted in ("bytes=0-999", "bytes=1000-1999", "bytes=2000-2999", "bytes=3000-3999"):
            meetings.append(together.wait())

    faraway.moods.before_body = meet
    fetch(remote(faraway), tmp_path / "w", Counter().watch)
    assert sorted(meetings) == [0, 1, 2, 3]


def test_a_server_without_ranges(faraway: Faraway, tmp_path: Path) -> None:
    faraway.moods.ignores_ranges = True
    fetch(remote(faraway), tmp_path / "w", Counter().watch)
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert len(faraway.asked) == 1


def test_an_unknown_size_and_digest(faraway: Faraway, tmp_path: Path) -> None:
    received = fetch(remote(faraway, None, None), tmp_path / "w", Counter().watch)
    assert received == Received(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.mark.parametrize("ignores_ranges", [False, True])
def test_an_empty_file(faraway: Faraway, tmp_path: Path, ignores_ranges: bool) -> None:
    faraway.files["/m/weights"] = b""
    faraway.moods.ignores_ranges = ignores_ranges
    assert fetch(remote(faraway, None, 0), tmp_path / "w", Counter().watch).size_bytes == 0


def test_broken_connections_go_on_where_they_were(faraway: Faraway, tmp_path: Path) -> None:
    faraway.moods.breaks_after, faraway.moods.breaks = 300, 6
    counter = Counter()
    fetch(remote(faraway), tmp_path / "w", counter.watch)
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert counter.total == len(CONTENT)
    assert counter.lowest == 0  # nothing was thrown away
    assert [wanted for wanted in faraway.ranges("weights") if wanted and wanted.startswith("bytes=300-")] in (
        [],
        ["bytes=300-999"],
    )


def test_a_connection_that_always_breaks_at_once_is_an_error(faraway: Faraway, tmp_path: Path) -> None:
    faraway.moods.breaks_after, faraway.moods.breaks = 1, 1000
    with pytest.raises(LibraryError, match="broke 5 times"):
        fetch(remote(faraway), tmp_path / "w", Counter().watch)


def test_a_stream_that_breaks_once_is_fetched_again(faraway: Faraway, tmp_path: Path) -> None:
    faraway.moods.ignores_ranges = True
    faraway.moods.breaks_after, faraway.moods.breaks = 300, 1
    counter = Counter()
    fetch(remote(faraway), tmp_path / "w", counter.watch)
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert counter.total == len(CONTENT)


def test_a_busy_server_is_asked_again(faraway: Faraway, tmp_path: Path) -> None:
    faraway.moods.busy = 3
    fetch(remote(faraway), tmp_path / "w", Counter().watch)
    assert (tmp_path / "w").read_bytes() == CONTENT


def test_a_pause_keeps_whole_segments(faraway: Faraway, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        fetch(remote(faraway), tmp_path / "w", Counter(stop_at=5000).watch)
    before = len(faraway.asked)
    counter = Counter()
    fetch(remote(faraway), tmp_path / "w", counter.watch)
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert counter.total == len(CONTENT)
    assert len(faraway.asked) - before < 11
    assert "bytes=0-0" not in faraway.ranges("weights")[before:]


def test_bytes_that_rotted_during_a_pause_are_noticed(faraway: Faraway, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        fetch(remote(faraway), tmp_path / "w", Counter(stop_at=5000).watch)
    with (tmp_path / "w").open("r+b") as file:
        file.write(bytes(400))
    fetch(remote(faraway), tmp_path / "w", Counter().watch)
    assert (tmp_path / "w").read_bytes() == CONTENT


def test_a_file_that_changes_during_a_pause_starts_over(faraway: Faraway, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        fetch(remote(faraway, None), tmp_path / "w", Counter(stop_at=5000).watch)
    faraway.files["/m/weights"] = CONTENT[::-1]
    counter = Counter()
    received = fetch(remote(faraway, None), tmp_path / "w", counter.watch)
    assert (tmp_path / "w").read_bytes() == CONTENT[::-1]
    assert received.sha256 == hashlib.sha256(CONTENT[::-1]).hexdigest()
    assert counter.total == len(CONTENT)


def test_without_etag_or_digest_nothing_is_gone_on_with(faraway: Faraway, tmp_path: Path) -> None:
    faraway.moods.has_etags = False
    with pytest.raises(Stopped):
        fetch(remote(faraway, None), tmp_path / "w", Counter(stop_at=5000).watch)
    faraway.files["/m/weights"] = CONTENT[::-1]
    fetch(remote(faraway, None), tmp_path / "w", Counter().watch)
    assert (tmp_path / "w").read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("ignores_ranges", [False, True])
def test_wrong_bytes_are_refused(faraway: Faraway, tmp_path: Path, ignores_ranges: bool) -> None:
    faraway.moods.ignores_ranges = ignores_ranges
    counter = Counter()
    with pytest.raises(LibraryError, match="SHA-256"):
        fetch(remote(faraway, "0" * 64), tmp_path / "w", counter.watch)
    assert list(tmp_path.iterdir()) == []
    assert counter.total == 0


def test_a_wrong_git_blob_is_refused(faraway: Faraway, tmp_path: Path) -> None:
    small = RemoteFile("config.json", f"{faraway.url}/m/weights", None, git_oid="0" * 40)
    with pytest.raises(LibraryError, match="not the file that its repository lists"):
        fetch(small, tmp_path / "w", Counter().watch)


@pytest.mark.parametrize("ignores_ranges", [False, True])
@pytest.mark.parametrize("listed", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_another_length_than_listed_is_refused(faraway: Faraway, tmp_path: Path, listed: int, ignores_ranges: bool) -> None:
    faraway.moods.ignores_ranges = ignores_ranges
    with pytest.raises(LibraryError, match=f"where {listed:,} are listed"):
        fetch(remote(faraway, size_bytes=listed), tmp_path / "w", Counter().watch)


def test_a_length_that_is_never_kept_is_refused(faraway: Faraway, tmp_path: Path) -> None:
    faraway.moods.lies = faraway.moods.ignores_ranges = True
    with pytest.raises(LibraryError, match="listed|broke off"):
        fetch(remote(faraway, None, None), tmp_path / "w", Counter().watch)


def test_redirects_are_followed_with_the_range(faraway: Faraway, tmp_path: Path) -> None:
    via = RemoteFile("weights", f"{faraway.url}/elsewhere/m/weights", len(CONTENT))
    fetch(via, tmp_path / "w", Counter().watch)
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert "bytes=10000-10499" in faraway.ranges("/m/weights")


@pytest.mark.parametrize(
    "url", ["http://models.example/m", "ftp://127.0.0.1/m", "file:///etc/passwd", "https://me:pw@example.org/m", "http://[::1"]
)
def test_addresses_that_are_not_asked(tmp_path: Path, url: str) -> None:
    with pytest.raises(LibraryError, match="https"):
        fetch(RemoteFile("weights", url, 5), tmp_path / "w", Counter().watch)


def test_nothing_there_and_nobody_there(faraway: Faraway, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="There is nothing at"):
        fetch(RemoteFile("weights", f"{faraway.url}/m/other", 5), tmp_path / "w", Counter().watch)
    with pytest.raises(LibraryError, match="could not be reached"):
        fetch(RemoteFile("weights", "http://127.0.0.1:1/m", 5), tmp_path / "w", Counter().watch)
