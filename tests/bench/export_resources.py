"""Time, CPU time and peak memory of each stage of an export, as a table on stdout:

    python tests/bench/export_resources.py SOURCE [--out DIR] [--variants …] [--json FILE] [--verify]

The export runs as a process of its own; its resident memory (all of it, and without mapped files) is sampled every 50 ms
while its messages tell the stages apart. Memory is also given beyond what importing the exporter's libraries takes.
CPU seconds tell more than wall time where the machine is busy.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.05
IMPORTS = "import slm_export.bundle, onnxruntime_genai.models.builder, psutil; m = psutil.Process().memory_info(); print(m.rss)"


@dataclass(slots=True)
class Row:
    """One stage. `peak_bytes` is resident memory, `private_bytes` that without mapped files."""

    stage: str
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    private_bytes: int = 0


class Sampler:
    """Follows one process until it ends; `begin` starts a new row."""

    def __init__(self, process: psutil.Process) -> None:
        self.process = process
        self.rows: list[Row] = []
        self.started: list[tuple[float, float]] = []  # wall and CPU seconds at the beginning of each row
        self.cpu_seconds = 0.0
        self.lock = threading.Lock()

    def begin(self, stage: str) -> None:
        with self.lock:
            self.started.append((time.monotonic(), self.cpu_seconds))
            self.rows.append(Row(stage))

    def follow(self) -> None:
        while True:
            try:
                memory, times = self.process.memory_info(), self.process.cpu_times()
            except psutil.NoSuchProcess:
                return
            if memory.rss == 0:  # ended, not yet reaped
                return
            with self.lock:
                self.cpu_seconds = times.user + times.system
                row, (wall, cpu) = self.rows[-1], self.started[-1]
                row.wall_seconds, row.cpu_seconds = time.monotonic() - wall, self.cpu_seconds - cpu
                row.peak_bytes = max(row.peak_bytes, memory.rss)
                row.private_bytes = max(row.private_bytes, memory.rss - memory.shared)
            time.sleep(SAMPLE_SECONDS)


def run(arguments: list[str]) -> list[Row]:
    """Run `slm-export` with `arguments`; a row for each stage that it names on stderr."""
    command = [str(Path(sys.executable).with_name("slm-export")), *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as child:
        sampler = Sampler(psutil.Process(child.pid))
        sampler.begin("start")
        follower = threading.Thread(target=sampler.follow)
        follower.start()
        assert child.stderr is not None
        for line in child.stderr:
            sys.stderr.write(line)
            if line.rstrip().endswith("…") or line.startswith("Checking "):
                sampler.begin(line.strip().removesuffix(" …"))
            elif line.startswith("  done in") and "[" in sampler.rows[-1].stage:
                sampler.begin("between")
        follower.join()
    if child.returncode:
        sys.exit(f"slm-export ended with exit code {child.returncode}")
    return sampler.rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("source")
    parser.add_argument("--out", type=Path, help="keep the bundle here")
    parser.add_argument("--variants")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--verify", action="store_true", help="then `verify` the bundle as well")
    options = parser.parse_args()
    base_bytes = int(subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True).stdout)
    with tempfile.TemporaryDirectory() as folder:
        out = options.out or Path(folder) / "bundle"
        rows = run(["model", options.source, "--out", str(out), *(["--variants", options.variants] if options.variants else [])])
        if options.verify:
            rows += run(["verify", str(out)])
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    float32_bytes = 4 * manifest["parameters"]
    peak = max(row.peak_bytes for row in rows)
    print(f"{'stage':52} {'wall s':>7} {'CPU s':>7} {'peak MB':>8} {'private':>8}")
    for row in rows:
        if row.wall_seconds > 0.2:
            print(
                f"{row.stage[:52]:52} {row.wall_seconds:7.1f} {row.cpu_seconds:7.1f} "
                f"{row.peak_bytes / 1e6:8.0f} {row.private_bytes / 1e6:8.0f}"
            )
    wall, cpu = sum(row.wall_seconds for row in rows), sum(row.cpu_seconds for row in rows)
    print(f"total {wall:.1f} s wall, {cpu:.1f} s CPU, load average now {os.getloadavg()[0]:.1f}")
    print(
        f"peak {peak / 1e6:.0f} MB, imports alone {base_bytes / 1e6:.0f} MB: {(peak - base_bytes) / 1e6:.0f} MB beyond them = "
        f"{(peak - base_bytes) / float32_bytes:.2f} x the float32 size of {float32_bytes / 1e6:.0f} MB"
    )
    if options.json:
        figures = {"base_bytes": base_bytes, "float32_bytes": float32_bytes, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
