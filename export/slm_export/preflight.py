"""Everything that can be found wrong with a checkpoint before PyTorch is loaded: a second instead of half a minute.

What is asked here is asked again where it is used; these checks only say it sooner, and touch no weights but their headers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slm_export.chat_templates import choose_template, require_choice, stored_template
from slm_export.errors import ExportError, SourceError
from slm_export.families import require_supported_gguf
from slm_export.hub import SAFETENSORS
from slm_export.kind_choice import is_decoder, refuse_chat_options, variants_for
from slm_export.manifest import MANIFEST_NAME
from slm_export.options import ExportOptions
from slm_export.shapes import gguf_field, open_gguf, safetensors_header
from slm_export.sources import Origin

_INDEX = "model.safetensors.index.json"


def check_request(out: Path, options: ExportOptions) -> None:
    """What is wrong before any source is looked for.

    Raises: ExportError for an output folder that is not ours, SourceError for a chat template that is not there.
    """
    require_own_folder(out)
    if options.chat_template is not None:
        require_choice(options.chat_template)


def require_own_folder(out: Path) -> None:
    """Raises: ExportError where `out` holds something that is not a bundle, or cannot be replaced as a whole."""
    here = Path.cwd().resolve()
    if out.resolve() in (here, *here.parents):
        raise ExportError(
            f"{out} is the folder that this command runs in, or one above it, and a bundle replaces its folder as a whole. "
            "Choose another --out, such as a new folder in it."
        )
    if out.exists() and not (out / MANIFEST_NAME).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ExportError(f"{out} exists and is not a bundle, so it is not overwritten. Choose another --out.")


def check_origin(origin: Origin, variants: Sequence[str]) -> None:
    """What is wrong with a checkpoint on this disk, as far as headers and texts tell.

    Raises: SourceError, ExportError.
    """
    variants_for(origin, variants)
    if origin.is_gguf:
        reader = open_gguf(origin.path)
        require_supported_gguf(str(gguf_field(reader, "general.architecture") or ""), origin.path.name)
        template = gguf_field(reader, "tokenizer.chat_template")
    else:
        _require_weights(origin)
        require_tokenizer_files(origin.path)
        template = stored_template(origin.path)
    if not is_decoder(origin):
        refuse_chat_options(origin)
    elif origin.options.chat_template is None:
        choose_template(template, origin.options, origin.name)


def _require_weights(origin: Origin) -> None:
    for name in origin.weights:
        if SAFETENSORS.fullmatch(name):
            safetensors_header(origin.path / name)
    index = origin.path / _INDEX
    if not index.is_file() or origin.is_pickle or origin.weights == ("model.safetensors",):
        return
    named = _json(index).get("weight_map")
    absent = sorted(set(map(str, named.values())) - set(origin.weights)) if isinstance(named, dict) else []
    if absent:
        raise SourceError(f"{origin.path} lacks {', '.join(absent)}, which {_INDEX} names. Get the missing files again.")


def require_tokenizer_files(folder: Path) -> None:
    """Raises: SourceError where the folder has neither a readable tokenizer.json nor the files to make one of."""
    if (folder / "tokenizer.json").is_file():
        _json(folder / "tokenizer.json")
    elif not all((folder / name).is_file() for name in ("vocab.json", "merges.txt")):
        raise no_tokenizer(folder)


def no_tokenizer(folder: Path) -> SourceError:
    """The error that says how to make a tokenizer.json."""
    slow = next((name for name in ("tokenizer.model", "spiece.model") if (folder / name).is_file()), None)
    way = f"Make it of {slow} where the package sentencepiece is installed" if slow else "Make it of the model's tokenizer"
    return SourceError(
        f"{folder} has no tokenizer.json. {way}: "
        "`AutoTokenizer.from_pretrained(folder, use_fast=True).save_pretrained(folder)` in Python, then try again."
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be read: {error}. It may be cut short: get it again.") from error
    if not isinstance(content, dict):
        raise SourceError(f"{path} is not a JSON object. Get it again.")
    return content
