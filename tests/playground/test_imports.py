"""The server is light: what importing it brings in."""

from __future__ import annotations

import subprocess
import sys

_LIST = """
import sys
import slm_playground.cli, slm_playground.doctor, slm_playground.log, slm_playground.serve, slm_playground.server
print(*sorted(name for name in sys.modules if name.partition(".")[0] in HEAVY or name.startswith("slm_export")))
"""
HEAVY = {"torch", "numpy", "onnx", "onnxruntime", "transformers", "optimum", "gguf", "rich"}


def test_of_the_exporter_only_the_manifest_is_used_and_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", f"HEAVY = {HEAVY}{_LIST}"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "slm_export",
        "slm_export.json_fields",
        "slm_export.manifest",
        "slm_export.manifest_checks",
        "slm_export.manifest_model",
    ]


def test_a_second_start_of_the_app_brings_in_nothing_that_only_the_first_needs() -> None:
    code = "import sys, slm_playground.__main__, slm_playground.desktop.frozen; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "slm_playground.desktop.instance" in loaded
    heavy = {"click", "dataclasses", "email", "flask", "http.client", "importlib.metadata", "platformdirs", "ssl", "tempfile"}
    assert not loaded & heavy
