"""Checkpoint → verified bundle folder: convert, compare, describe, and only then rename into place."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from slm_export import checkpoint as checkpoints
from slm_export.card import model_card
from slm_export.checkpoint import Checkpoint
from slm_export.download import sha256_of
from slm_export.errors import ExportError, VerifyError
from slm_export.families import context_length, kv_heads
from slm_export.graph import build_float_graph
from slm_export.integrity import check_files
from slm_export.manifest import (
    FORMAT,
    MANIFEST_NAME,
    Fidelity,
    FileEntry,
    Generation,
    KvGeometry,
    Licence,
    Manifest,
    Prompts,
    Reference,
    SpecialTokens,
    Variant,
    load_manifest,
    to_json,
)
from slm_export.progress import Reporter
from slm_export.sources import UNKNOWN_LICENCE, Origin
from slm_export.variants import Recipe, by_preference, write_variant
from slm_export.verify import measure

INPUTS_NAME = "export.json"  # what the bundle was made from; not part of the bundle's contract
_LIBRARIES = ("torch", "transformers", "onnxruntime-genai", "onnxruntime", "onnx")
_DEFAULT_GENERATION = Generation(temperature=0.7, top_p=0.9, top_k=0, repetition_penalty=1.0, max_tokens=512)


def export_inputs(origin: Origin, variants: Sequence[str]) -> str:
    """A digest of all that decides what the bundle holds: source, variants, this package's code, library versions."""
    package = Path(str(files("slm_export")))
    code = {
        str(path.relative_to(package)): sha256_of(path) for path in sorted(package.rglob("*")) if path.suffix in (".py", ".txt")
    }
    stated = {
        "source": [origin.source.kind, origin.source.ref, origin.source.revision, origin.source.sha256],
        "variants": list(variants),
        "code": code,
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()


def is_current(bundle: Path, inputs: str) -> bool:
    """True where `bundle` was made from the same inputs and its files have the right sizes and digests."""
    try:
        recorded = json.loads((bundle / INPUTS_NAME).read_text(encoding="utf-8"))
        if recorded.get("inputs") != inputs:
            return False
        check_files(bundle, load_manifest(bundle))
    except (OSError, ValueError, VerifyError):
        return False
    return True


def export_bundle(origin: Origin, out: Path, variants: Sequence[str], reporter: Reporter) -> Manifest:
    """Export `origin` to the folder `out`, which appears only when every variant has passed its thresholds.

    Raises: SlmError of any kind; `out` is then as it was before.
    """
    if out.exists() and not (out / MANIFEST_NAME).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ExportError(f"{out} exists and is not a bundle, so it is not overwritten. Choose another --out.")
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        _require_space(origin, part)
        manifest = _fill(origin, part, variants, reporter)
        (part / INPUTS_NAME).write_text(json.dumps({"inputs": export_inputs(origin, variants)}) + "\n", encoding="utf-8")
        _install(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    reporter.say(f"Bundle ready: {out}")
    return manifest


def _require_space(origin: Origin, folder: Path) -> None:
    """Two float32 copies and the variants: about 13 × a 4-bit GGUF, 5 × a 16-bit checkpoint."""
    weights = [origin.path] if origin.is_gguf else list(origin.path.glob("*.safetensors"))
    needed_bytes = sum(path.stat().st_size for path in weights) * (13 if origin.is_gguf else 5)
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise ExportError(
            f"The export needs about {needed_bytes / 1e9:.1f} GB in {folder.parent} while it runs, "
            f"but {free_bytes / 1e9:.1f} GB are free. Free some space or choose another --out."
        )


def _fill(origin: Origin, part: Path, variants: Sequence[str], reporter: Reporter) -> Manifest:
    work = part / ".work"
    with reporter.step(f"[1/4] Loading {origin.name} in PyTorch (float32)"):
        checkpoint = checkpoints.load(origin, work / "float32")
    with reporter.step(f"[2/4] Building the fused graph of {checkpoint.parameters / 1e6:.1f} M parameters"):
        graph = build_float_graph(checkpoint.folder, work / "graph", head_dim=checkpoint.head_dim)
    _write_texts(origin, checkpoint, part)
    shutil.rmtree(checkpoint.folder)  # the graph has the weights now: never three copies on disk
    recipes = by_preference(variants, checkpoint.parameters)
    for recipe in recipes:
        with reporter.step(f"[3/4] Quantising {recipe.name}"):
            write_variant(graph, recipe, part / recipe.name)
    shutil.rmtree(work)
    with reporter.step("[4/4] Comparing every variant with PyTorch"):
        fidelities, reference = measure(
            checkpoint, {recipe.name: part / recipe.name / "model.onnx" for recipe in recipes}, reporter
        )
    _judge(recipes, fidelities, reporter)
    manifest = _describe(origin, checkpoint, part, recipes, fidelities, reference)
    (part / "README.md").write_text(model_card(manifest), encoding="utf-8")
    manifest = _describe(origin, checkpoint, part, recipes, fidelities, reference)  # now with the card's digest
    (part / MANIFEST_NAME).write_text(to_json(manifest), encoding="utf-8")
    check_files(part, load_manifest(part))
    return manifest


def _judge(recipes: Sequence[Recipe], fidelities: dict[str, Fidelity], reporter: Reporter) -> None:
    failures = []
    for recipe in recipes:
        fidelity = fidelities[recipe.name]
        reporter.say(
            f"  {recipe.name}: perplexity ratio {fidelity.perplexity_ratio:.4f}, top-1 {fidelity.top1_agreement:.2%}, "
            f"mean KL {fidelity.mean_kl:.4f}, greedy equal {fidelity.greedy_prompts_equal}/{fidelity.greedy_prompts}"
        )
        if fidelity.perplexity_ratio > recipe.max_perplexity_ratio or fidelity.top1_agreement < recipe.min_top1_agreement:
            failures.append(
                f"{recipe.name}: perplexity ratio {fidelity.perplexity_ratio:.4f} (at most {recipe.max_perplexity_ratio}), "
                f"top-1 agreement {fidelity.top1_agreement:.2%} (at least {recipe.min_top1_agreement:.0%})"
            )
    if failures:
        raise VerifyError("The export differs too much from the original and was not installed:\n  " + "\n  ".join(failures))


def _write_texts(origin: Origin, checkpoint: Checkpoint, part: Path) -> None:
    for name in checkpoints.TOKENIZER_FILES:
        if (checkpoint.folder / name).is_file():
            shutil.copyfile(checkpoint.folder / name, part / name)
    known = files("slm_export") / "data" / f"{origin.licence_id}.txt"
    if origin.licence_file:
        text = origin.licence_file.read_text(encoding="utf-8", errors="replace")
    elif known.is_file():
        text = known.read_text(encoding="utf-8")
    else:
        what = "The licence is not known" if origin.licence_id == UNKNOWN_LICENCE else f"The licence is {origin.licence_id}"
        text = f"{what}. Source of the model: {origin.source.kind} {origin.source.ref}. Look there before you pass it on.\n"
    (part / "LICENSE").write_text(text, encoding="utf-8")


def _describe(
    origin: Origin,
    checkpoint: Checkpoint,
    part: Path,
    recipes: Sequence[Recipe],
    fidelities: dict[str, Fidelity],
    reference: Reference,
) -> Manifest:
    config = checkpoint.config
    shared = sorted(path.name for path in part.iterdir() if path.is_file() and path.name not in (MANIFEST_NAME, INPUTS_NAME))
    template = checkpoints.TOKENIZER_FILES[2]
    return Manifest(
        format=FORMAT,
        id=origin.id,
        name=origin.name,
        description=origin.description,
        source=origin.source,
        licence=Licence(origin.licence_id, "LICENSE"),
        family=str(config.model_type),
        architecture="decoder",
        tasks=("chat", "completion") if checkpoint.chat_template else ("completion",),
        parameters=checkpoint.parameters,
        context_length=context_length(config),
        vocab_size=int(config.vocab_size),
        special_tokens=_special_tokens(checkpoint),
        prompts=Prompts(chat_template=template if checkpoint.chat_template else None),
        generation=origin.generation or _DEFAULT_GENERATION,
        kv=KvGeometry(
            layers=int(config.num_hidden_layers),
            heads=kv_heads(config),
            head_dim=checkpoint.head_dim,
        ),
        reference=reference,
        files=tuple(_entry(part, name) for name in shared),
        variants=tuple(_variant(part, recipe, fidelities[recipe.name], checkpoint.parameters) for recipe in recipes),
    )


def _special_tokens(checkpoint: Checkpoint) -> SpecialTokens:
    """Every token that ends a turn: the tokenizer's and the generation config's."""
    tokenizer = checkpoint.tokenizer
    stated = checkpoint.model.generation_config.eos_token_id
    eos = {tokenizer.eos_token_id, *(stated if isinstance(stated, list) else [stated])} - {None}
    bos = tokenizer.bos_token_id
    return SpecialTokens(
        bos, tuple(sorted(eos)), tokenizer.pad_token_id, add_bos=bos is not None and tokenizer("a")["input_ids"][0] == bos
    )


def _variant(part: Path, recipe: Recipe, fidelity: Fidelity, parameters: int) -> Variant:
    entries = tuple(_entry(part, f"{recipe.name}/{path.name}") for path in sorted((part / recipe.name).iterdir()))
    stored_bytes = sum(entry.size_bytes for entry in entries)
    # On the CPU ONNX Runtime unfolds the weights to float32 beside the file it reads them from.
    memory_bytes = stored_bytes + (4 * parameters if recipe.device == "cpu" else 0)
    return Variant(
        name=recipe.name,
        device=recipe.device,
        requires=recipe.requires,
        graph=f"{recipe.name}/model.onnx",
        kv_dtype="float16" if recipe.float16 else "float32",
        bits_per_weight=round(8 * stored_bytes / parameters, 2),
        memory_bytes=memory_bytes,
        files=entries,
        fidelity=fidelity,
    )


def _entry(part: Path, name: str) -> FileEntry:
    path = part / name
    return FileEntry(name, path.stat().st_size, sha256_of(path))


def _install(part: Path, out: Path) -> None:
    """Two renames; what was there before goes away only after the new one stands."""
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.replace(old)
    part.replace(out)
    shutil.rmtree(old, ignore_errors=True)
