"""What runs in a batch's own processes: `python -m slm_export.batch_worker scout|plan|export`.

Jobs come as lines of JSON on stdin, answers leave as lines of JSON on stdout; everything else that is said goes to stderr.
stdin stays open as long as the parent lives: when it closes, the process ends at once, so that nobody's child goes on
exporting. What a killed process leaves is what `--resume` continues from.

    scout    jobs up to an empty line → fetch each checkpoint (unless it is beyond the limits: the bytes of memory given as
             second argument, or `unknown`; `none` sets no limits), look at it, answer a `Scouted` each, in order
    plan     the same without fetching or writing anything
    export   one job → its bundle. Exit code 0 fine, 1 an SlmError (answered as {"error": …}), 3 anything else, 4 interrupted
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from slm_export.batch_job import Job, Limits, PlannedVariant, Scouted, refusal
from slm_export.errors import SlmError
from slm_export.export_inputs import export_inputs, is_current
from slm_export.manifest import MANIFEST_NAME, ManifestError
from slm_export.output_lock import output_lock
from slm_export.plan import Request, plan_export
from slm_export.preflight import check_origin, check_request
from slm_export.progress import Reporter
from slm_export.recipes import RECIPES
from slm_export.sources import Origin, resolve
from slm_export.stages import finished_stages

EXIT_FAILED, EXIT_UNEXPECTED, EXIT_INTERRUPTED, EXIT_ORPHANED = 1, 3, 4, 5
ORPHAN_SECONDS = 30.0
_FD_STDERR = 2


def main() -> int:
    """Entry; the exit code."""
    action = sys.argv[1]
    jobs = [Job.from_json(line) for line in _lines_until_empty()]
    answers = _claim_stdout()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        if action == "export":
            _export(jobs[0])
            return 0
        for job in jobs:
            if action == "scout":
                _log_to(job)
            print(_scouted(job, _limits(sys.argv[2]), fetch=action == "scout").to_json(), file=answers, flush=True)
        return 0
    except KeyboardInterrupt as error:
        print(error, file=sys.stderr)
        return EXIT_INTERRUPTED
    except (SlmError, ManifestError) as error:
        print(f"Error: {error}", file=sys.stderr)
        print(json.dumps({"error": str(error)}), file=answers, flush=True)
        return EXIT_FAILED
    except Exception:
        traceback.print_exc()
        return EXIT_UNEXPECTED


def _limits(text: str) -> Limits | None:
    return None if text == "none" else Limits(None if text == "unknown" else int(text))


def _lines_until_empty() -> Iterator[str]:
    """Lines of stdin, without waiting for its end."""
    for raw in iter(sys.stdin.buffer.readline, b""):
        if not raw.strip():
            return
        yield raw.decode()


def _claim_stdout() -> TextIO:
    """Our own stdout; from now on what libraries print there goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(_FD_STDERR, 1)
    return answers


def _end_with_parent() -> None:
    """Not through sys.stdin: its lock, held here, would stop the interpreter's end."""
    while os.read(0, 1):
        pass
    os._exit(EXIT_ORPHANED)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _log_to(job: Job) -> None:
    """stderr becomes a new log file of this job."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), _FD_STDERR)


def _export(job: Job) -> None:
    from slm_export.bundle import export_bundle

    print(f"# process {os.getpid()} on {platform.node()}", file=sys.stderr, flush=True)
    reporter = Reporter()
    origin = resolve(job.source, downloads=job.downloads, reporter=reporter, options=job.options)
    with output_lock(job.bundle, wait_seconds=ORPHAN_SECONDS):  # an earlier attempt, whose parent was killed, is just ending
        pass
    export_bundle(origin, job.bundle, job.variants, reporter, resume=job.part.exists())


def _scouted(job: Job, limits: Limits | None, *, fetch: bool) -> Scouted:
    """Look at one job; whatever goes wrong is its own failure, not that of the list."""
    try:
        check_request(job.bundle, job.options)
        found = _planned(job)
        if limits is not None and found.download_bytes and refusal(found, limits):
            return found  # not fetched: it will not be exported
        if not fetch and _is_remote(job):
            has_bundle = (job.bundle / MANIFEST_NAME).is_file()
            return dataclasses.replace(found, state="unchecked") if has_bundle and not found.download_bytes else found
        origin = resolve(job.source, downloads=job.downloads, reporter=Reporter(quiet=not fetch), options=job.options)
        check_origin(origin, job.variants)
        return _compared(job, found, origin)
    except (SlmError, ManifestError) as error:
        if fetch:
            print(f"Error: {error}", file=sys.stderr)
        return Scouted(job.name, "failed", str(error))
    except Exception as error:
        traceback.print_exc()
        return Scouted(job.name, "failed", f"{type(error).__name__} while looking at the source: {error}. Its log says where.")


def _is_remote(job: Job) -> bool:
    """Whether `resolve` would ask the hub, or fetch."""
    if job.source in RECIPES:
        return not RECIPES[job.source].source.place(job.downloads).is_file()
    return not Path(job.source).expanduser().exists()


def _planned(job: Job) -> Scouted:
    plan = plan_export(Request(job.source, job.bundle, job.downloads, job.variants, job.options))
    return Scouted(
        job.name,
        "download" if plan.download_bytes else "new",
        parameters=plan.parameters,
        download_bytes=plan.download_bytes,
        peak_memory_bytes=plan.peak_memory_bytes,
        peak_disk_bytes=plan.peak_disk_bytes,
        free_disk_bytes=plan.free_disk_bytes,
        variants=tuple(PlannedVariant(each.name, each.size_bytes, each.bits_per_weight) for each in plan.variants),
    )


def _compared(job: Job, found: Scouted, origin: Origin) -> Scouted:
    """With what is there already: the bundle, or the stages of an interrupted export."""
    inputs = export_inputs(origin, job.variants)
    revision = origin.source.revision if origin.source.kind == "huggingface" else None
    recorded = job.part / ".work" / "inputs"
    state, kept = "new", 0
    if is_current(job.bundle, inputs):
        state = "current"
    elif recorded.is_file() and recorded.read_text(encoding="utf-8") == inputs:
        state, kept = "interrupted", finished_stages(job.part)
    return dataclasses.replace(found, state=state, kept_stages=kept, revision=revision)


if __name__ == "__main__":
    sys.exit(main())
