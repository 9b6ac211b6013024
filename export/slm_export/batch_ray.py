"""The engine of a batch on a Ray cluster (https://docs.ray.io), or on a local Ray of this machine. An optional extra.

Every export is a Ray task that asks for memory and processors; Ray queues it, places it and, where its worker or its export
dies, begins it again. All nodes see the same folders under the same paths and have the same slm-export: both are checked first.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import socket
import threading
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from slm_export.batch_child import run_task
from slm_export.batch_job import Ended, Task
from slm_export.batch_local import Report
from slm_export.download import sha256_of
from slm_export.errors import ExportError

OBJECT_STORE_BYTES = 100_000_000  # of a local Ray; tasks pass a few hundred bytes
PROBE_SECONDS = 120.0
CONNECT_SECONDS = 10.0
_WAIT_SECONDS = 0.5


class ExportCrashed(Exception):
    """Inside Ray: an attempt died in a way that another one may not. `args[0]` is its `Ended`."""


class RayEngine:
    """Ray schedules by what is asked for; `retries` of Ray's own, so none are left to the caller."""

    retries = 0

    def __init__(self, ray: Any, retries: int, report: Report) -> None:
        """`ray` is what `start_ray` gave."""
        self._ray = ray
        self._attempts = retries + 1
        self._report = report
        self._running: dict[Any, Task] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._stops = 0
        self._remote = ray.remote(max_retries=retries, retry_exceptions=[ExportCrashed])(_attempt)
        self._nodes = [node for node in ray.nodes() if node["Alive"]]
        self.largest_bytes: int | None = max(int(node["Resources"].get("memory", 0)) for node in self._nodes)
        self._watcher = threading.Thread(target=self._watch, name="ray")
        self._watcher.start()

    def require_usable(self, out: Path, sources: Sequence[Path], threads: int) -> None:
        """Every node sees `out` (this very folder) and `sources`, has this version of slm-export, and processors enough.

        Raises: ExportError naming the node and what it lacks.
        """
        if max(node["Resources"].get("CPU", 0) for node in self._nodes) < threads:
            raise ExportError(f"No node of the Ray cluster has {threads} processors. Say --threads with a smaller number.")
        token = out / f".probe-{secrets.token_hex(8)}"
        token.write_text(token.name, encoding="utf-8")
        try:
            for node in self._nodes:
                if node["Resources"].get("CPU", 0) >= 1:
                    self._probe(node, token, sources)
        finally:
            token.unlink()

    def _probe(self, node: dict[str, Any], token: Path, sources: Sequence[Path]) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=False)
        probe = self._ray.remote(num_cpus=0, max_retries=0, scheduling_strategy=here)(_look_around)
        name = node["NodeManagerAddress"]
        try:
            problem = self._ray.get(
                probe.remote(str(token), [str(path) for path in sources], code_digest()), timeout=PROBE_SECONDS
            )
        except Exception as error:  # Ray's own, and what unpickling raises on a node without our package
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
            raise ExportError(
                f"Node {name} of the Ray cluster cannot run exports: {reason} Install this version of slm-playground[export,ray] "
                "there, in the Python that runs Ray."
            ) from error
        if problem:
            raise ExportError(f"Node {name} of the Ray cluster {problem}")

    def has_room(self, task: Task) -> bool:
        return True  # Ray queues

    def start(self, task: Task) -> None:
        reference = self._remote.options(num_cpus=task.threads, memory=task.memory_bytes, name=task.job.name).remote(task)
        with self._lock:
            self._running[reference] = task

    def _watch(self) -> None:
        while not self._closing.is_set():
            with self._lock:
                references = list(self._running)
            if not references:
                self._closing.wait(_WAIT_SECONDS)
                continue
            done, _ = self._ray.wait(references, num_returns=1, timeout=_WAIT_SECONDS)
            for reference in done:
                ended = self._ended(reference)
                with self._lock:
                    task = self._running.pop(reference)
                self._report(task, ended)

    def _ended(self, reference: Any) -> Ended:
        try:
            found: Ended = self._ray.get(reference)
            return found
        except self._ray.exceptions.TaskCancelledError:
            return Ended("interrupted", 0.0, error="What it has finished is kept.")
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, ExportCrashed):
                ended = cause.args[0]
                assert isinstance(ended, Ended)  # _attempt raises it with nothing else
                return ended
            if self._stops:
                return Ended("interrupted", 0.0, error="What it has finished is kept.")
            return Ended("failed", 0.0, error=f"The Ray task failed: {cause!r}.")
        except self._ray.exceptions.RayError as error:
            reason = " ".join(str(error).split())[:300]
            return Ended("crashed", 0.0, self._attempts, error=f"Ray lost its worker {self._attempts} times: {reason}")

    def stop(self) -> None:
        """Cancel: a task that runs interrupts its export and waits for it; the second time its worker is killed."""
        self._stops += 1
        with self._lock:
            references = list(self._running)
        for reference in references:
            self._ray.cancel(reference, force=self._stops > 1)

    def close(self) -> None:
        self._closing.set()
        self._watcher.join()
        self._ray.shutdown()

    def load(self) -> str:
        processors = sum(node["Resources"].get("CPU", 0) for node in self._nodes)
        nodes = f"{len(self._nodes)} node{'s' if len(self._nodes) > 1 else ''}"
        return f"Ray: {nodes}, {processors:.0f} processors"


def _attempt(task: Task) -> Ended:
    """Runs on a node."""
    ended = run_task(task)
    if ended.state == "crashed":
        raise ExportCrashed(ended)
    return ended


def _look_around(token: str, sources: Sequence[str], digest: str) -> str | None:
    """Runs on a node: what is wrong with it, None where nothing is."""
    path = Path(token)
    if not path.is_file() or path.read_text(encoding="utf-8") != path.name:
        return f"does not see {path.parent}. Choose an --out that all nodes share under the same path (a network file system)."
    missing = [source for source in sources if not Path(source).exists()]
    if missing:
        return f"does not see {', '.join(missing)}. Put local sources and adapters where all nodes see them under the same path."
    if code_digest() != digest:
        return "has another version of slm-export, and its bundles would differ. Install the same one on every node."
    return None


def code_digest() -> str:
    """One SHA-256 over this package's Python files."""
    package = Path(str(files("slm_export")))
    digests = [f"{path.relative_to(package).as_posix()} {sha256_of(path)}\n" for path in sorted(package.rglob("*.py"))]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _require_listening(address: str) -> None:
    """Ray itself tries for more than ten minutes (measured) where nobody answers."""
    host, _, port = address.rpartition(":")
    try:
        if not host or "/" in host:
            raise ValueError("it is not of the form host:port")
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise ExportError(
            f"The Ray cluster at {address} cannot be reached: {error}. Give the address that `ray start --head` printed "
            "(host:port), or `auto` on a machine of the cluster; or leave --ray-address out for a local Ray."
        ) from error


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing of ours is reported anywhere
    try:
        import ray
    except ImportError as error:
        raise ExportError(
            "--engine ray needs Ray, which is not installed here. Install it: pip install 'slm-playground[export,ray]' (in a "
            "checkout: .venv/bin/pip install -c requirements.lock -e '.[export,ray]'). Or leave --engine out."
        ) from error
    return ray


def start_ray(address: str | None, processors: int, budget_bytes: int | None) -> Any:
    """Connect to the cluster at `address`, or start a local Ray of so many processors; returns the module.

    Raises: ExportError where Ray is not installed, or the cluster cannot be reached.
    """
    ray = _import_ray()
    if address is not None and address != "auto":
        _require_listening(address)
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        if address is not None:
            ray.init(address=address, **quiet)
        else:
            own = {} if budget_bytes is None else {"_memory": budget_bytes}
            store = {"object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
            ray.init(address="local", num_cpus=processors, **own, **store, **quiet)
    except Exception as error:  # ConnectionError, RuntimeError, ValueError, Ray's own
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        where = f"The Ray cluster at {address} cannot be used" if address else "A local Ray cannot be started"
        raise ExportError(f"{where}: {reason} Check the address (`ray status` on a node), or leave --engine out.") from error
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():  # Ray installs its own, which end the process
                signal.signal(number, handler)
    return ray
