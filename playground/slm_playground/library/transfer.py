"""One file from a server onto the disk: in ranges side by side, gone on with after a pause, hashed while it arrives.

`<target>.state` beside it says which segments are there, so that a killed server loses no more than those under way. Ranges
carry If-Range (RFC 9110, section 13.1.5): a file that changed meanwhile starts over.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import threading
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from slm_playground.library import web
from slm_playground.library.errors import Damaged, Stopped, told
from slm_playground.library.remote import Received, RemoteFile, Watch, broken_or_full, disk_error, strong_etag

SEGMENT_BYTES = 8 << 20
PARALLEL = 4
CHUNK_BYTES = 256 << 10
TRIES = 5
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
# Worth another try: the connection, and servers that say "later".
_PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


def fetch(remote: RemoteFile, target: Path, watch: Watch) -> Received:
    """Everything of `remote` in `target`, verified as far as its server states digests.

    Raises: LibraryError, Stopped (what is there stays for the next call).
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for is_last in (False, True):
        transfer = _Transfer(remote, target, watch)
        try:
            return transfer.run()
        except Damaged as error:
            transfer.forget()
            if is_last:
                raise told("damaged", 502, path=remote.path, said=str(error)) from error
    raise AssertionError("the loop returns or raises")


@dataclass
class _State:
    """What `<target>.state` holds. `etag` None: the server has no strong one, so nothing can be gone on with safely
    unless the digest is known."""

    size_bytes: int
    etag: str | None
    done: set[int] = field(default_factory=set)

    def segments(self) -> range:
        return range(-(-self.size_bytes // SEGMENT_BYTES))

    def span(self, segment: int) -> tuple[int, int]:
        """Its bytes, half-open."""
        return segment * SEGMENT_BYTES, min((segment + 1) * SEGMENT_BYTES, self.size_bytes)


class _Transfer:
    def __init__(self, remote: RemoteFile, target: Path, watch: Watch) -> None:
        self._remote = remote
        self._target = target
        self._watch = watch
        self._note = target.with_name(target.name + ".state")
        self._lock = threading.Lock()
        self._hashing = threading.Lock()
        self._sha256 = hashlib.sha256()
        self._hashed = 0
        self._counted = 0

    def run(self) -> Received:
        state = self._resumed()
        if state is None:
            state = self._begin()
        if state is not None:
            self._fetch_segments(state)
        received = Received(self._hashed, self._sha256.hexdigest())
        self._verify(received)
        self._note.unlink(missing_ok=True)
        return received

    def forget(self) -> None:
        """Throws away what is there."""
        self._target.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self._watch.on_bytes(-self._counted)
        self._counted = 0

    def _count(self, size_bytes: int) -> None:
        with self._lock:
            self._counted += size_bytes
        self._watch.on_bytes(size_bytes)

    def _resumed(self) -> _State | None:
        """What an earlier call left, None where there is nothing to go on with."""
        try:
            data = json.loads(self._note.read_text(encoding="utf-8"))
            state = _State(int(data["size_bytes"]), data["etag"], set(data["done"]))
            matches = data["url"] == self._remote.url and self._target.stat().st_size == state.size_bytes
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not matches or (state.etag is None and self._remote.sha256 is None):
            return None
        for segment in state.done:
            first, end = state.span(segment)
            self._count(end - first)
        return state

    def _begin(self) -> _State | None:
        """A first look: the state of a transfer in ranges, or None where the whole file came with it."""
        known = self._remote.size_bytes
        wants_ranges = known is None or known > SEGMENT_BYTES
        for answer in self._answers({"Range": "bytes=0-0"} if wants_ranges else {}):
            with answer:
                if answer.status == 206:
                    total = self._content_range(answer, 0, 1)
                    return self._prepared(total, strong_etag(answer))
                self._stream(answer)
                return None
        raise AssertionError("the iterator returns or raises")

    def _prepared(self, total: int, etag: str | None) -> _State:
        self._expect_size(total)
        try:
            with self._target.open("wb") as file:
                file.truncate(total)
        except OSError as error:
            raise disk_error(self._remote.path, error) from error
        return _State(total, etag)

    def _stream(self, answer: web.Answer) -> None:
        """The whole file from one answer."""
        stated = answer.headers.get("Content-Length")
        if stated is not None:
            self._expect_size(int(stated))
        self._sha256, self._hashed = hashlib.sha256(), 0
        self._watch.on_bytes(-self._counted)
        self._counted = 0
        try:
            with self._target.open("wb") as file:
                while chunk := answer.read(CHUNK_BYTES):
                    self._watch.check()
                    file.write(chunk)
                    self._sha256.update(chunk)
                    self._hashed += len(chunk)
                    self._count(len(chunk))
        except http.client.IncompleteRead as error:
            raise Damaged(f"broke off after {self._hashed + len(error.partial):,} bytes.") from error
        except OSError as error:
            raise broken_or_full(self._remote.path, error) from error
        if stated is not None and self._hashed != int(stated):
            raise Damaged(f"broke off after {self._hashed:,} of {int(stated):,} bytes.")

    def _fetch_segments(self, state: _State) -> None:
        missing = [segment for segment in state.segments() if segment not in state.done]
        queue = iter(missing)
        failed = threading.Event()

        def work() -> None:
            try:
                while not failed.is_set():
                    with self._lock:
                        segment = next(queue, None)
                    if segment is None:
                        return
                    self._fetch_segment(state, segment)
                    self._keep(state, segment)
            except BaseException:
                failed.set()
                raise

        with ThreadPoolExecutor(PARALLEL, "slm-download") as pool:
            futures = [pool.submit(work) for _ in missing[:PARALLEL]]
        for future in futures:
            future.result()
        self._hash_along(state)

    def _keep(self, state: _State, segment: int) -> None:
        with self._lock:
            state.done.add(segment)
            data = {"url": self._remote.url, "size_bytes": state.size_bytes, "etag": state.etag, "done": sorted(state.done)}
            temporary = self._note.with_name(self._note.name + ".new")
            temporary.write_text(json.dumps(data), encoding="utf-8")
            temporary.replace(self._note)
        # One thread hashes what is there from the beginning on; the others do not wait for it.
        if self._hashing.acquire(blocking=False):
            try:
                self._hash_along(state)
            finally:
                self._hashing.release()

    def _hash_along(self, state: _State) -> None:
        # Without a buffer, which would hold bytes of segments that were not there yet.
        with self._target.open("rb", buffering=0) as file:
            file.seek(self._hashed)
            while self._hashed < state.size_bytes and self._hashed // SEGMENT_BYTES in state.done:
                self._watch.check()
                _, end = state.span(self._hashed // SEGMENT_BYTES)
                piece = file.read(min(CHUNK_BYTES, end - self._hashed))
                if not piece:
                    raise Damaged("was cut short on the disk.")
                self._sha256.update(piece)
                self._hashed += len(piece)

    def _fetch_segment(self, state: _State, segment: int) -> None:
        first, end = state.span(segment)
        at = first
        validator = {"If-Range": state.etag} if state.etag else {}
        # Whatever arrives before a connection breaks stays; the next try asks for the rest.
        for _ in range(TRIES):
            for answer in self._answers({"Range": f"bytes={at}-{end - 1}", **validator}):
                with answer:
                    if answer.status != 206:
                        raise Damaged("changed while it was being fetched.")
                    if self._content_range(answer, at, end) != state.size_bytes:
                        raise Damaged("changed its length while it was being fetched.")
                    at = self._write(answer, at, end)
                break
            if at == end:
                return
            self._watch.check()
        raise told("broke-often", 502, times=TRIES, path=self._remote.path)

    def _write(self, answer: web.Answer, at: int, end: int) -> int:
        """Writes what comes from `at` on; gives where it ended."""
        with self._target.open("r+b") as file:
            file.seek(at)
            while at < end:
                self._watch.check()
                try:
                    chunk = answer.read(min(CHUNK_BYTES, end - at))
                except (http.client.IncompleteRead, OSError):
                    return at
                if not chunk:
                    return at
                try:
                    file.write(chunk)
                except OSError as error:
                    raise disk_error(self._remote.path, error) from error
                at += len(chunk)
                self._count(len(chunk))
        return at

    def _answers(self, headers: dict[str, str]) -> Iterator[web.Answer]:
        """Open answers, one for each try; the caller leaves the loop when one is good."""
        url = self._remote.url
        for number in range(TRIES):
            if number and self._watch.stop.wait(self._watch.patience * 2 ** (number - 1)):
                raise Stopped
            self._watch.check()
            is_last = number == TRIES - 1
            try:
                yield web.ask(url, headers)
                return
            except urllib.error.HTTPError as error:
                with error:
                    if error.code == 416:
                        raise Damaged("is shorter than its server says.") from error
                    if error.code not in _PASSING_STATUSES or is_last:
                        raise web.refused(url, error.code) from error
            except (OSError, http.client.HTTPException) as error:
                if is_last:
                    raise web.unreachable(url, error) from error

    def _content_range(self, answer: web.Answer, first: int, end: int) -> int:
        """The whole file's size, from an answer that must hold bytes [first, end)."""
        match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if not match or (int(match[1]), int(match[2]) + 1) != (first, end):
            raise Damaged("came with other bytes than were asked for.")
        return int(match[3])

    def _expect_size(self, size_bytes: int) -> None:
        known = self._remote.size_bytes
        if known is not None and known != size_bytes:
            raise Damaged(f"has {size_bytes:,} bytes where {known:,} are listed.")

    def _verify(self, received: Received) -> None:
        self._expect_size(received.size_bytes)
        if self._remote.sha256 not in (None, received.sha256):
            raise Damaged("does not have the SHA-256 that is listed for it.")
        if self._remote.git_oid not in (None, self._git_oid(received.size_bytes)):
            raise Damaged("is not the file that its repository lists.")

    def _git_oid(self, size_bytes: int) -> str | None:
        if self._remote.git_oid is None:
            return None
        # Git's own name for a file's content, not a safeguard; repositories give SHA-256 only for large files.
        digest = hashlib.sha1(f"blob {size_bytes}\0".encode(), usedforsecurity=False)
        with self._target.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                digest.update(piece)
        return digest.hexdigest()
