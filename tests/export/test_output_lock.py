"""Two writers of one folder: the second is told who the first is; a killed one leaves nothing that blocks."""

import signal
import subprocess
import sys
import threading

import pytest

from slm_export.bundle import export_bundle
from slm_export.errors import ExportError
from slm_export.output_lock import output_lock
from slm_export.sources import resolve

HOLD = """
import sys
from pathlib import Path
from slm_export.output_lock import output_lock
with output_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of `bundle` until its stdin closes."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "bundle"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child
        child.kill()


def test_the_second_writer_is_told_who_the_first_is_and_goes_on_after_it(holder, tmp_path):
    with pytest.raises(ExportError, match=rf"Another export \(process {holder.pid} on .+, since ..:..:..\) is writing to"):
        output_lock(tmp_path / "bundle").__enter__()
    with output_lock(tmp_path / "other"):
        pass
    holder.communicate()
    with output_lock(tmp_path / "bundle"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_it_waits_as_long_as_it_is_told_to(holder, tmp_path):
    """The holder ends while we wait for it."""
    threading.Timer(0.2, holder.kill).start()
    with output_lock(tmp_path / "bundle", wait_seconds=60):
        assert holder.wait() == -signal.SIGKILL


def test_a_killed_writer_does_not_block_the_next(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert (tmp_path / ".bundle.lock").exists()
    with output_lock(tmp_path / "bundle"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_export_does_not_begin_where_another_writes(holder, tmp_path, tiny_source, reporter):
    origin = resolve(str(tiny_source), downloads=tmp_path, reporter=reporter)
    part = tmp_path / ".bundle.part"
    part.mkdir()
    (part / "of the other").write_text("unfinished")
    with pytest.raises(ExportError, match=f"process {holder.pid} on"):
        export_bundle(origin, tmp_path / "bundle", ["cpu-int8"], reporter)
    assert (part / "of the other").read_text() == "unfinished"
    assert not (tmp_path / "bundle").exists()


def test_the_lock_goes_when_its_block_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), output_lock(tmp_path / "bundle"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
