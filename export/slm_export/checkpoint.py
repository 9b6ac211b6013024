"""Any source as one thing: a float32 Hugging Face folder (safetensors, config, tokenizer) and the PyTorch model in it.

The float32 PyTorch model is the original that every variant is compared with.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from gguf import GGUFReader
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PreTrainedTokenizerFast
from transformers.modeling_gguf_pytorch_utils import get_gguf_hf_weights_map
from transformers.utils import logging as transformers_logging

from slm_export.adapter import merge_adapter
from slm_export.chat_templates import FILE_NAME, choose_template, require_usable, stored_template
from slm_export.config_file import read_config
from slm_export.errors import SlmError, SourceError
from slm_export.families import LANGUAGE_MODELS, require_supported
from slm_export.golden import special_tokens
from slm_export.loaded_weights import require_all_weights, require_finite
from slm_export.memory import return_freed_memory
from slm_export.rotary import apply_gguf_rope, apply_rope_parameters
from slm_export.sources import Origin
from slm_export.surplus_tokens import drop_surplus_tokens
from slm_export.tokenizer import gguf_ends, write_folder_tokenizer, write_gguf_tokenizer

_IN_LAYER = re.compile(r"\.\d+\.")
_TABLE = re.compile(r"inv_freq|masked_bias|\.attn(ention)?\.bias$")  # rotary frequencies and masks, which are no weights


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model ready for export. `folder` holds config.json, model*.safetensors (float32) and the tokenizer files."""

    folder: Path
    config: Any  # transformers.PretrainedConfig
    parameters: int  # each tied matrix counted once
    tokenizer: PreTrainedTokenizerFast
    chat_template: str | None

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return int(getattr(self.config, "head_dim", None) or self.config.hidden_size // self.config.num_attention_heads)

    def load_model(self) -> Any:
        """The PyTorch model (transformers.PreTrainedModel, float32, eval), a new one at each call.

        Its weights are mapped from the safetensors files: opening takes a moment, and memory is used only while it runs.
        """
        return _open_model(self.folder)


def load(origin: Origin, work: Path) -> Checkpoint:
    """Load the checkpoint in float32 and write it to `work` in the one form that the rest of the exporter reads.

    Raises: SourceError for a damaged file, a missing tokenizer, an unknown architecture, or weights that are not finite.
    """
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    work.mkdir(parents=True, exist_ok=True)
    model = _load_gguf(origin.path, work) if origin.is_gguf else _load_folder(origin, work)
    if origin.options.adapter:
        model = merge_adapter(model, origin.options.adapter)
    require_finite(model, origin.path.name)
    template = _settle_chat_template(work, origin)
    drop_surplus_tokens(work, len(model.get_input_embeddings().weight), template)
    model.generation_config = _generation(model.generation_config)
    model.save_pretrained(work)
    del model
    return_freed_memory()
    return reopen(work)


def _generation(stated: GenerationConfig) -> GenerationConfig:
    """What is used of a generation_config.json: transformers refuses to save one that sets a temperature and does not sample,
    or one with a value that makes no sense."""
    tokens = {name: getattr(stated, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    sampling = {name: getattr(stated, name) for name in ("do_sample", "temperature", "top_k", "top_p", "repetition_penalty")}
    chosen = GenerationConfig(**tokens, **sampling if stated.do_sample else {})
    try:
        chosen.validate(strict=True)
    except ValueError:
        return GenerationConfig(**tokens)
    return chosen


def reopen(folder: Path) -> Checkpoint:
    """The checkpoint that `load` wrote to `folder` before."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    template = folder / "chat_template.jinja"
    model = _open_model(folder)
    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    except Exception as error:  # tokenizers raises bare Exceptions
        raise SourceError(f"The tokenizer.json of the checkpoint cannot be read: {error}. Get it again.") from error
    return Checkpoint(
        folder=folder,
        config=model.config,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        tokenizer=tokenizer,
        chat_template=template.read_text(encoding="utf-8") if template.exists() else None,
    )


def _open_model(folder: Path) -> Any:
    config = AutoConfig.from_pretrained(folder)
    model_class: Any = getattr(transformers, config.architectures[0])
    # Eager attention: transformers' faster one leaves out Gemma 2's soft caps without a word.
    options = {"dtype": torch.float32, "use_safetensors": True, "attn_implementation": "eager"}
    return model_class.from_pretrained(folder, config=config, **options).eval()


def _load_gguf(path: Path, work: Path) -> Any:
    try:
        reader = GGUFReader(path)
        write_gguf_tokenizer(reader, work)
        with contextlib.redirect_stderr(io.StringIO()):  # transformers' own bar, which cannot be turned off
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                path.parent, gguf_file=path.name, dtype=torch.float32, output_loading_info=True
            )
    except SlmError:
        raise
    except Exception as error:  # whatever a damaged header, or a size that is not the config's, makes transformers raise
        raise SourceError(f"{path} cannot be read as a GGUF model: {error}. It may be cut short; download it again.") from error
    model, report = loaded
    require_supported({"architectures": [type(model).__name__]})
    require_all_weights(model, report, path)
    rotary = {tensor.name: tensor.data for tensor in reader.tensors if tensor.name.startswith("rope_")}
    _require_all_tensors(model, [tensor.name for tensor in reader.tensors if tensor.name not in rotary], path)
    apply_gguf_rope(model.config, _architecture_fields(reader), rotary)
    model.generation_config.eos_token_id = gguf_ends(reader) or model.generation_config.eos_token_id
    model._hf_quantizer = None  # already dequantised; else save_pretrained refuses
    return model


def _architecture_fields(reader: GGUFReader) -> dict[str, Any]:
    """The metadata about the architecture, `llama.rope.freq_base` as `rope.freq_base`."""
    architecture = reader.get_field("general.architecture")
    prefix = f"{architecture.contents() if architecture else ''}."
    return {name.removeprefix(prefix): field.contents() for name, field in reader.fields.items() if name.startswith(prefix)}


def _require_all_tensors(model: Any, names: Sequence[str], path: Path) -> None:
    """transformers leaves out tensors of a GGUF that its model does not have (biases, experts), and goes on."""
    known = get_gguf_hf_weights_map(model)
    left = sorted(name for name in names if name not in known)
    if left:
        raise SourceError(
            f"{path} holds {len(left)} tensors that a {type(model).__name__} does not have ({', '.join(left[:3])} …): it is "
            "another model than its metadata says. Give it as a Hugging Face folder or id."
        )


def _load_folder(origin: Origin, work: Path) -> Any:
    folder = origin.path
    raw = read_config(folder)
    require_supported(raw)
    write_folder_tokenizer(folder, work)
    try:
        config, own = _config(folder, raw)
        apply_rope_parameters(config, own)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=not origin.is_pickle,
            key_mapping=_weight_names(raw),
            output_loading_info=True,
        )
    except SlmError:
        raise
    except (ValueError, KeyError, OSError) as error:
        raise SourceError(f"{folder} cannot be loaded as a decoder language model: {error}") from error
    except Exception as error:  # safetensors raises its own SafetensorError, a bare Exception subclass
        raise SourceError(
            f"The weights in {folder} cannot be read: {error}. They may be cut short; download them again."
        ) from error
    model, report = loaded
    require_all_weights(model, report, folder)
    if raw.get("model_type") not in LANGUAGE_MODELS:  # whose other parts are left out on purpose
        _require_no_others(model, report, folder)
    stored = stored_template(folder)
    if stored:
        (work / FILE_NAME).write_text(stored, encoding="utf-8")
    return model


def _config(folder: Path, raw: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The config, and what it was made of; of a multimodal model that is known, those of its language model."""
    part = LANGUAGE_MODELS.get(raw.get("model_type", ""))
    if part is None:
        return AutoConfig.from_pretrained(folder), raw
    own = raw if part.config_key is None else raw[part.config_key]
    own = {key: value for key, value in own.items() if not key.startswith(("mm_", "auto_map"))}
    return AutoConfig.for_model(**own | {"model_type": part.model_type, "architectures": [part.architecture]}), own


def _weight_names(raw: dict[str, Any]) -> dict[str, str] | None:
    """transformers' `key_mapping` for the weights of a language model inside a multimodal one."""
    part = LANGUAGE_MODELS.get(raw.get("model_type", ""))
    return dict(part.weight_names) if part and part.weight_names else None


def _require_no_others(model: Any, report: dict[str, Any], path: Path) -> None:
    """transformers leaves out layers and biases that config.json does not speak of, and goes on."""
    others = sorted(name for name in report["unexpected_keys"] if _IN_LAYER.search(name) and not _TABLE.search(name))
    if others:
        raise SourceError(
            f"{path} holds {len(others)} weights of layers that its config.json does not speak of ({', '.join(others[:3])} …): "
            f"a {type(model).__name__} of this config would be another model. Correct config.json, or get the model again."
        )


def _settle_chat_template(work: Path, origin: Origin) -> str | None:
    """The template, also as a file of its own: the one place where every reader finds it."""
    config, template = work / "tokenizer_config.json", work / FILE_NAME
    stored = template.read_text(encoding="utf-8", errors="replace") if template.exists() else None
    chosen = choose_template(stored, origin.options, origin.name)
    settings = _tokenizer_settings(config)
    template.unlink(missing_ok=True)
    if chosen:
        require_usable(chosen, special_tokens(settings), origin.name)
        template.write_text(chosen, encoding="utf-8")
    if settings.pop("chat_template", None) is not None:
        config.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return chosen


def _tokenizer_settings(config: Path) -> dict[str, Any]:
    try:
        settings = json.loads(config.read_text(encoding="utf-8")) if config.exists() else {}
    except ValueError as error:
        raise SourceError(f"The {config.name} of the checkpoint is not JSON: {error}. Get the checkpoint again.") from error
    if not isinstance(settings, dict):
        raise SourceError(f"The {config.name} of the checkpoint is not a JSON object. Get the checkpoint again.")
    return settings
