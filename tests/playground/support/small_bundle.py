"""A whole, valid bundle (but for graphs that run), and what the tests' server is called with."""

from __future__ import annotations

import hashlib
from pathlib import Path

from slm_export.manifest import (
    FORMAT,
    Fidelity,
    FileEntry,
    Licence,
    Manifest,
    Reference,
    ReferenceLogit,
    Source,
    Variant,
    to_json,
)
from slm_export.manifest_model import Generation, KvGeometry, Prompts, SpecialTokens

PORT = 8765
TOKEN = "token-of-the-tests"

# Not all the same byte, so that a wrong offset shows.
WEIGHTS = bytes(range(256)) * 40
SHARED_FILES = {
    "tokenizer.json": b'{"model": {}}',
    "chat_template.jinja": b"{{ messages }}",
    "LICENSE": b"Apache License 2.0",
    "README.md": b"# Tiny\n",
}


def _entry(path: str, content: bytes) -> FileEntry:
    return FileEntry(path, len(content), hashlib.sha256(content).hexdigest())


def _variant(name: str, device: str, requires: tuple[str, ...], weights: bytes) -> tuple[Variant, dict[str, bytes]]:
    files = {f"{name}/model.onnx": f"graph of {name}".encode(), f"{name}/model.onnx.data": weights}
    entries = tuple(_entry(path, content) for path, content in files.items())
    fidelity = Fidelity(2000, 0.98, 0.001, 0.01, 1.003, 4, 4, 0.02)
    return Variant(name, device, requires, f"{name}/model.onnx", "float32", 8.5, 50_000, entries, fidelity), files


def build_bundle(models: Path, bundle_id: str = "tiny", weights: bytes = WEIGHTS) -> Path:
    """Write a whole, valid bundle (but for graphs that run) and give its folder."""
    gpu, gpu_files = _variant("webgpu-q4f16", "webgpu", ("shader-f16",), weights[: len(weights) // 2])
    cpu, cpu_files = _variant("cpu-int8", "cpu", (), weights)
    manifest = Manifest(
        format=FORMAT,
        id=bundle_id,
        name=f"Tiny {bundle_id}",
        description="A model for tests.",
        source=Source("folder", "tests", None, None),
        licence=Licence("Apache-2.0", "LICENSE"),
        family="llama",
        architecture="decoder",
        tasks=("chat",),
        parameters=1000,
        context_length=128,
        vocab_size=256,
        special_tokens=SpecialTokens(0, (1, 2), None, False),
        prompts=Prompts("chat_template.jinja"),
        generation=Generation(0.7, 0.9, 40, 1.1, 64),
        kv=KvGeometry(2, 2, 8),
        reference=Reference((1, 2, 3), (4, 5), (ReferenceLogit(4, 1.5),)),
        files=tuple(_entry(path, content) for path, content in SHARED_FILES.items()),
        variants=(gpu, cpu),
    )
    folder = models / bundle_id
    for path, content in {**SHARED_FILES, **gpu_files, **cpu_files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / "manifest.json").write_text(to_json(manifest), encoding="utf-8")
    return folder
