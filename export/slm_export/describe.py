"""What a bundle says of itself: texts, licence, manifest."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from slm_export.download import sha256_of
from slm_export.export_inputs import INPUTS_NAME
from slm_export.facts import Facts
from slm_export.manifest import (
    FORMAT,
    MANIFEST_NAME,
    Fidelity,
    FileEntry,
    Licence,
    Manifest,
    Program,
    Reference,
    Variant,
)
from slm_export.report import REPORT_FOLDER
from slm_export.sources import UNKNOWN_LICENCE, Origin
from slm_export.tokenizer import TOKENIZER_FILES
from slm_export.variant_recipes import Recipe


@dataclass(frozen=True, slots=True)
class Outcome:
    """What verification found, by variant name; `faults` are sentences about what is wrong beyond the fidelity."""

    reference: Reference
    fidelities: Mapping[str, Fidelity]
    reference_logits: Mapping[str, tuple[float, ...] | None]
    programs: Mapping[str, Program | None]
    faults: tuple[str, ...] = ()


def write_texts(origin: Origin, folder: Path, part: Path) -> None:
    """Write tokenizer and chat template, those of the Hugging Face folder `folder`, and the licence."""
    for name in TOKENIZER_FILES:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, part / name)
    known = files("slm_export") / "data" / f"{origin.licence_id}.txt"
    if origin.licence_file:
        text = origin.licence_file.read_text(encoding="utf-8", errors="replace")
    elif known.is_file():
        text = known.read_text(encoding="utf-8")
    else:
        what = "The licence is not known" if origin.licence_id == UNKNOWN_LICENCE else f"The licence is {origin.licence_id}"
        text = f"{what}. Source of the model: {origin.source.kind} {origin.source.ref}. Look there before you pass it on.\n"
    (part / "LICENSE").write_text(text, encoding="utf-8")


def describe(origin: Origin, facts: Facts, part: Path, recipes: Sequence[Recipe], outcome: Outcome) -> Manifest:
    """The manifest of all that lies in `part` now."""
    shared = [path.name for path in part.iterdir() if path.is_file() and path.name not in (MANIFEST_NAME, INPUTS_NAME)]
    shared += [f"{REPORT_FOLDER}/{path.name}" for path in (part / REPORT_FOLDER).glob("*")]
    return Manifest(
        format=FORMAT,
        id=origin.id,
        name=origin.name,
        description=origin.description,
        source=origin.source,
        licence=Licence(origin.licence_id, "LICENSE"),
        family=facts.family,
        architecture=facts.architecture,
        tasks=facts.tasks,
        parameters=facts.parameters,
        context_length=facts.context_length,
        vocab_size=facts.vocab_size,
        special_tokens=facts.special_tokens,
        prompts=facts.prompts,
        generation=origin.generation or facts.generation,
        kv=facts.kv,
        reference=outcome.reference,
        files=tuple(_entry(part, name) for name in sorted(shared)),
        variants=tuple(_variant(part, recipe, outcome, facts) for recipe in recipes),
        decoder=facts.decoder,
        encoder=facts.encoder,
    )


def _variant(part: Path, recipe: Recipe, outcome: Outcome, facts: Facts) -> Variant:
    entries = tuple(_entry(part, f"{recipe.name}/{path.name}") for path in sorted((part / recipe.name).iterdir()))
    stored_bytes = sum(entry.size_bytes for entry in entries)
    # On the CPU ONNX Runtime unfolds the weights to float32 beside the file it reads them from.
    memory_bytes = stored_bytes + (4 * facts.parameters if recipe.device == "cpu" else 0)
    return Variant(
        name=recipe.name,
        device=recipe.device,
        requires=recipe.requires,
        graph=f"{recipe.name}/{facts.graph}",
        kv_dtype="float16" if recipe.float16 else "float32",
        bits_per_weight=round(8 * stored_bytes / facts.parameters, 2),
        memory_bytes=memory_bytes,
        files=entries,
        fidelity=outcome.fidelities[recipe.name],
        encoder_graph=facts.encoder_graph and f"{recipe.name}/{facts.encoder_graph}",
        embedding_graph=facts.embedding_graph and f"{recipe.name}/{facts.embedding_graph}",
        reference_logits=outcome.reference_logits[recipe.name],
        program=outcome.programs[recipe.name],
    )


def _entry(part: Path, name: str) -> FileEntry:
    path = part / name
    return FileEntry(name, path.stat().st_size, sha256_of(path))
