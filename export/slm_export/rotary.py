"""Rotary settings that transformers 4.57 leaves out without a word when it reads a config.json of version 5, or a GGUF.

What it would load is a model that speaks plausibly and is not the one that was trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from slm_export.errors import SourceError

# Llama 3.1 and later (factor 8 or 32): the only ones whose factors llama.cpp bakes into a tensor, and forgets.
_LLAMA3 = {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
_NOT_SCALING = ("rope_theta", "partial_rotary_factor")


def apply_rope_parameters(config: Any, raw: Mapping[str, Any]) -> None:
    """Take over `rope_parameters`, where transformers 5 writes what 4.57 looks for in several attributes.

    `raw` is the part of config.json that `config` was made of.

    Raises: SourceError for settings by layer that this model class does not have.
    """
    rope = raw.get("rope_parameters")
    if not isinstance(rope, Mapping) or not rope:
        return
    if all(isinstance(value, Mapping) for value in rope.values()):  # by the kind of layer: Gemma 3
        local = rope.get("sliding_attention", {})
        is_known = set(rope) <= {"full_attention", "sliding_attention"} and hasattr(config, "rope_local_base_freq")
        if not is_known or "full_attention" not in rope or local.get("rope_type", "default") != "default":
            raise SourceError(
                f"config.json has rotary settings for {', '.join(rope)} that a {config.model_type} model is not known to have. "
                "Look for a version of the model that was saved by transformers 4."
            )
        config.rope_local_base_freq = local.get("rope_theta", config.rope_local_base_freq)
        rope = rope["full_attention"]
    for name in _NOT_SCALING:
        if name in rope:
            setattr(config, name, rope[name])
    kind = rope.get("rope_type", "default")
    if kind == "longrope":
        _set_long_rope(config, rope["short_factor"], rope["long_factor"], rope.get("original_max_position_embeddings"))
    elif kind != "default":
        config.rope_scaling = {key: value for key, value in rope.items() if key not in _NOT_SCALING}


def apply_gguf_rope(config: Any, fields: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> None:
    """Take over the rotary scaling, the rotated share of a head and the sliding window of a GGUF.

    `fields` are its metadata without the architecture's prefix, `tensors` its tensors named `rope_…` (one float32 factor
    per rotated pair).

    Raises: SourceError for a scaling that cannot be said in a transformers config.
    """
    head_dim = int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
    rotated = int(fields.get("rope.dimension_count") or head_dim)
    if rotated != head_dim and hasattr(config, "rope_theta"):
        if not hasattr(config, "partial_rotary_factor"):
            raise _unknown(f"rotary positions on {rotated} of {head_dim} dimensions of a head")
        config.partial_rotary_factor = rotated / head_dim
    if config.model_type == "phi3" and fields.get("attention.sliding_window"):
        config.sliding_window = int(fields["attention.sliding_window"])
    if "rope_factors_short.weight" in tensors:
        short, long = (tensors[f"rope_factors_{name}.weight"].tolist() for name in ("short", "long"))
        _set_long_rope(config, short, long, fields.get("rope.scaling.original_context_length"))
    elif "rope_freqs.weight" in tensors:
        _set_llama3(config, tensors["rope_freqs.weight"])
    else:
        _set_scaling(config, fields)


def _set_scaling(config: Any, fields: Mapping[str, Any]) -> None:
    factor = float(fields.get("rope.scaling.factor") or fields.get("rope.scale_linear") or 1.0)
    kind = str(fields.get("rope.scaling.type") or "linear")
    if kind == "none" or (kind == "linear" and factor == 1.0):
        return
    if kind == "linear":
        config.rope_scaling = {"rope_type": "linear", "factor": factor}
    elif kind == "yarn" and fields.get("rope.scaling.original_context_length"):
        original = int(fields["rope.scaling.original_context_length"])
        config.rope_scaling = {"rope_type": "yarn", "factor": factor, "original_max_position_embeddings": original}
    else:
        raise _unknown(f"rotary scaling {kind!r}")


def _set_long_rope(config: Any, short: list[float], long: list[float], original_tokens: Any) -> None:
    if not hasattr(config, "original_max_position_embeddings"):
        raise _unknown("LongRoPE factors")
    config.rope_scaling = {"type": "longrope", "short_factor": short, "long_factor": long}  # Phi3Config takes these three only
    if original_tokens:
        config.original_max_position_embeddings = int(original_tokens)


def _set_llama3(config: Any, factors: NDArray[Any]) -> None:
    """llama.cpp stores what each frequency is divided by; transformers computes it from the largest factor."""
    if np.all(factors == 1.0):
        return
    before, (plain, _) = config.rope_scaling, ROPE_INIT_FUNCTIONS["default"](config, torch.device("cpu"))
    config.rope_scaling = _LLAMA3 | {"factor": float(factors.max())}
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    if factors.shape != tuple(plain.shape) or not np.allclose(plain.numpy() / factors, scaled.numpy(), rtol=1e-3):
        config.rope_scaling = before
        raise _unknown("factors for rotary frequencies (rope_freqs.weight) that are not Llama 3's")


def _unknown(what: str) -> SourceError:
    return SourceError(
        f"The model has {what}, which is not known for this kind of model. "
        "Give it as a Hugging Face folder or id: its config.json says how positions are turned."
    )
