"""download.fetch against a real HTTP server: resume, damage, refusal, no space."""

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from slm_export.download import fetch
from slm_export.errors import SourceError
from slm_export.progress import Reporter

BODY = bytes(range(256)) * 4096  # 1 MiB
DIGEST = hashlib.sha256(BODY).hexdigest()


def get(server, target: Path, reporter: Reporter, digest: str = DIGEST) -> Path:
    return fetch(f"{server.url}/model.bin", target, sha256=digest, size_bytes=len(BODY), reporter=reporter)


@pytest.fixture
def server(file_server):
    file_server.files["/model.bin"] = BODY
    return file_server


def test_a_whole_file_arrives_and_leaves_no_part(server, tmp_path, reporter):
    path = get(server, tmp_path / "model.bin", reporter)
    assert path.read_bytes() == BODY
    assert [file.name for file in tmp_path.iterdir()] == ["model.bin"]


def test_a_broken_connection_keeps_the_part_and_the_next_call_asks_only_for_the_rest(server, tmp_path, reporter):
    server.cut_after_bytes = 300_000
    with pytest.raises(SourceError, match="run the same command again to continue"):
        get(server, tmp_path / "model.bin", reporter)
    assert (tmp_path / "model.bin.part").stat().st_size == 300_000
    assert not (tmp_path / "model.bin").exists()
    server.cut_after_bytes = None
    assert get(server, tmp_path / "model.bin", reporter).read_bytes() == BODY
    assert server.requests[-1][2] == "bytes=300000-"


def test_a_server_without_ranges_is_read_from_the_start(server, tmp_path, reporter):
    server.supports_ranges = False
    (tmp_path / "model.bin.part").write_bytes(b"x" * 100)
    assert get(server, tmp_path / "model.bin", reporter).read_bytes() == BODY


def test_a_complete_part_is_only_checked(server, tmp_path, reporter):
    (tmp_path / "model.bin.part").write_bytes(BODY)
    assert get(server, tmp_path / "model.bin", reporter).read_bytes() == BODY


def test_a_damaged_file_is_removed_and_named(server, tmp_path, reporter):
    with pytest.raises(SourceError, match="arrived damaged.*expected 0000"):
        get(server, tmp_path / "model.bin", reporter, digest="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_server_says_where_the_file_may_be_placed(tmp_path, reporter):
    with pytest.raises(SourceError, match="or put the file there yourself: .*model.bin"):
        fetch("http://127.0.0.1:9/model.bin", tmp_path / "model.bin", sha256=DIGEST, size_bytes=1, reporter=reporter)


def test_too_little_disk_space_is_said_before_the_download(server, tmp_path, reporter, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(SourceError, match=r"needs 1 MB .* but only 0 MB are free"):
        get(server, tmp_path / "model.bin", reporter)
    assert server.requests == []


def test_a_disk_that_fills_up_while_writing_is_a_plain_error(server, tmp_path, reporter):
    (tmp_path / "model.bin.part").mkdir()
    with pytest.raises(SourceError, match="Writing .* failed"):
        get(server, tmp_path / "model.bin", reporter)
