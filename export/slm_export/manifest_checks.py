"""What a manifest must satisfy beyond its fields' types: paths that are listed, names that differ, parts of an architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slm_export.json_fields import field_error

if TYPE_CHECKING:
    from slm_export.manifest import Manifest


def check_references(manifest: Manifest, where: str) -> None:
    """Whatever the manifest points at must be listed with size and digest, else nobody can verify it."""
    if not manifest.variants:
        raise field_error(where, "variants", [], "at least one variant")
    names = [variant.name for variant in manifest.variants]
    if len(set(names)) != len(names):
        raise field_error(where, "variants", names, "variant names that differ")
    shared = {entry.path for entry in manifest.files}
    for path, field in ((manifest.prompts.chat_template, "prompts.chat_template"), (manifest.licence.file, "licence.file")):
        if path is not None and path not in shared:
            raise field_error(where, field, path, "a path listed in files")
    _check_architecture(manifest, where)
    _check_parts(manifest, where)
    for index, variant in enumerate(manifest.variants):
        if variant.graph not in {entry.path for entry in variant.files}:
            raise field_error(where, f"variants[{index}].graph", variant.graph, f"a path listed in variants[{index}].files")
        program = variant.program
        if program is not None and program.path not in {entry.path for entry in variant.files}:
            raise field_error(where, f"variants[{index}].program.path", program.path, f"a path listed in variants[{index}].files")
        shape = [len(row) for row in program.answer_logits] if program is not None else []
        if program is not None and shape != [len(manifest.reference.logits)] * len(manifest.reference.tokens):
            expected = "a row per token of reference.tokens, each with a number per entry of reference.logits"
            raise field_error(where, f"variants[{index}].program.answer_logits", shape, expected)
        own = variant.reference_logits
        if own is not None and len(own) != len(manifest.reference.logits):
            raise field_error(where, f"variants[{index}].reference_logits", own, "one number per entry of reference.logits")


def _check_parts(manifest: Manifest, where: str) -> None:
    """Parts must make up their file, and each must have a place of its own."""
    lists = {"files": manifest.files, **{f"variants[{i}].files": variant.files for i, variant in enumerate(manifest.variants)}}
    whole = {entry.path for entries in lists.values() for entry in entries}
    for field, entries in lists.items():
        for index, entry in enumerate(entries):
            if entry.parts is None:
                continue
            paths = [part.path for part in entry.parts]
            if sum(part.size_bytes for part in entry.parts) != entry.size_bytes or not paths:
                sizes = [part.size_bytes for part in entry.parts]
                raise field_error(where, f"{field}[{index}].parts", sizes, f"sizes that add up to {entry.size_bytes}")
            if len(set(paths)) != len(paths) or whole & set(paths):
                raise field_error(where, f"{field}[{index}].parts", paths, "paths that nothing else in the bundle has")


def _check_architecture(manifest: Manifest, where: str) -> None:
    """What each architecture needs, and paths of its further graphs."""
    kind = manifest.architecture
    needed = {"decoder": ("kv",), "encoder-decoder": ("kv", "decoder"), "encoder": ("encoder",)}[kind]
    for field in needed:
        if getattr(manifest, field) is None:
            raise field_error(where, field, None, f"an object, as every {kind} model has")
    if kind == "encoder" and manifest.reference.outputs is None:
        raise field_error(where, "reference.outputs", None, "a list, as every encoder model has")
    for index, variant in enumerate(manifest.variants):
        paths = {entry.path for entry in variant.files}
        for field in ("encoder_graph", "embedding_graph"):
            path = getattr(variant, field)
            if path not in paths and (path is not None or kind == "encoder-decoder"):
                raise field_error(where, f"variants[{index}].{field}", path, f"a path listed in variants[{index}].files")
