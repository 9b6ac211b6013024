"""What a bundle says of itself: texts, licence, manifest."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from slm_export.checkpoint import Checkpoint
from slm_export.download import sha256_of
from slm_export.families import context_length, kv_heads
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
)
from slm_export.report import REPORT_FOLDER
from slm_export.sources import UNKNOWN_LICENCE, Origin
from slm_export.tokenizer import TOKENIZER_FILES
from slm_export.variants import Recipe

INPUTS_NAME = "export.json"  # what the bundle was made from; not part of the bundle's contract
_DEFAULT_GENERATION = Generation(temperature=0.7, top_p=0.9, top_k=0, repetition_penalty=1.0, max_tokens=512)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What verification found, by variant name; `faults` are sentences about what is wrong beyond the fidelity."""

    reference: Reference
    fidelities: Mapping[str, Fidelity]
    reference_logits: Mapping[str, tuple[float, ...] | None]
    faults: tuple[str, ...] = ()


def write_texts(origin: Origin, checkpoint: Checkpoint, part: Path) -> None:
    """Write tokenizer, chat template and licence."""
    for name in TOKENIZER_FILES:
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


def describe(
    origin: Origin,
    checkpoint: Checkpoint,
    part: Path,
    recipes: Sequence[Recipe],
    outcome: Outcome,
) -> Manifest:
    """The manifest of all that lies in `part` now."""
    config = checkpoint.config
    shared = [path.name for path in part.iterdir() if path.is_file() and path.name not in (MANIFEST_NAME, INPUTS_NAME)]
    shared += [f"{REPORT_FOLDER}/{path.name}" for path in (part / REPORT_FOLDER).glob("*")]
    template = TOKENIZER_FILES[2]
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
        reference=outcome.reference,
        files=tuple(_entry(part, name) for name in sorted(shared)),
        variants=tuple(_variant(part, recipe, outcome, checkpoint.parameters) for recipe in recipes),
    )


def _special_tokens(checkpoint: Checkpoint) -> SpecialTokens:
    """Every token that ends a turn: the tokenizer's and the generation config's."""
    tokenizer = checkpoint.tokenizer
    stated = checkpoint.load_model().generation_config.eos_token_id
    eos = {tokenizer.eos_token_id, *(stated if isinstance(stated, list) else [stated])} - {None}
    bos = tokenizer.bos_token_id
    return SpecialTokens(
        bos, tuple(sorted(eos)), tokenizer.pad_token_id, add_bos=bos is not None and tokenizer("a")["input_ids"][0] == bos
    )


def _variant(part: Path, recipe: Recipe, outcome: Outcome, parameters: int) -> Variant:
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
        fidelity=outcome.fidelities[recipe.name],
        reference_logits=outcome.reference_logits[recipe.name],
    )


def _entry(part: Path, name: str) -> FileEntry:
    path = part / name
    return FileEntry(name, path.stat().st_size, sha256_of(path))
