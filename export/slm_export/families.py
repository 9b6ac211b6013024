"""What we know of model families: which architectures can be exported, their shape, and models that nobody can export.

Standard library only: a model that cannot work is refused before anything heavy is loaded or downloaded.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slm_export.errors import SourceError

# transformers' architecture class → the families that use it.
DECODERS: dict[str, str] = {
    "FalconForCausalLM": "Falcon 7B",
    "GPT2LMHeadModel": "GPT-2, DistilGPT2",
    "Gemma2ForCausalLM": "Gemma 2",
    "Gemma3ForCausalLM": "Gemma 3 (text)",
    "GemmaForCausalLM": "Gemma, CodeGemma, Cerule's language model",
    "LlamaForCausalLM": "Llama 2 and 3, SmolLM2, Alpaca, Stable Beluga, Orca 2, XGen",
    "MinistralForCausalLM": "Ministral 8B",
    "MistralForCausalLM": "Mistral 7B, Zephyr, Ministral 8B",
    "MixtralForCausalLM": "Mixtral",
    "MptForCausalLM": "MPT",
    "Olmo2ForCausalLM": "OLMo 2",
    "Phi3ForCausalLM": "Phi-3, Phi-3.5-mini, Phi-4-mini",
    "PhiForCausalLM": "Phi-2",
    "Qwen2ForCausalLM": "Qwen 2 and 2.5",
    "Qwen3ForCausalLM": "Qwen 3",
    "SmolLM3ForCausalLM": "SmolLM3",
}

# Encoder-decoder and encoder models, which go through optimum (pretrained.py).
ENCODERS: dict[str, str] = {
    "BartForConditionalGeneration": "BART",
    "BertForSequenceClassification": "BERT",
    "BertForTokenClassification": "BERT",
    "BertModel": "BERT, MiniLM",
    "DistilBertForSequenceClassification": "DistilBERT",
    "DistilBertForTokenClassification": "DistilBERT",
    "DistilBertModel": "DistilBERT",
    "MT5ForConditionalGeneration": "mT5",
    "T5ForConditionalGeneration": "T5, Flan-T5",
}


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """The part of a multimodal checkpoint that is exported: read as `model_type`, of class `architecture`.

    `config_key`: where its config lies in config.json, None for the top. `weight_names`: patterns of names → names in it.
    """

    model_type: str
    architecture: str
    config_key: str | None = None
    weight_names: tuple[tuple[str, str], ...] = ()


# By the model_type in config.json.
LANGUAGE_MODELS: dict[str, LanguageModel] = {
    "cerule-gemma": LanguageModel("gemma", "GemmaForCausalLM"),
    # `language_model.…` is transformers' own prefix of this class; newer checkpoints have it the other way round.
    "gemma3": LanguageModel("gemma3_text", "Gemma3ForCausalLM", "text_config", ((r"^model\.language_model\.", "model."),)),
}


@dataclass(frozen=True, slots=True)
class ClosedModel:
    """A model whose weights are not published; `size` as its maker states it."""

    name: str
    maker: str
    size: str
    pattern: str


_NO_SIZE = "its size is not published"
CLOSED_MODELS = (
    ClosedModel("Gemini Nano", "Google", "1.8 B (Nano-1) and 3.25 B (Nano-2) parameters", r"gemini.*nano"),
    ClosedModel("Gemini", "Google", _NO_SIZE, r"gemini"),
    ClosedModel("GPT-4o mini", "OpenAI", _NO_SIZE, r"gpt.?4o.?mini"),
    ClosedModel("GPT (3.5, 4, 5 and their siblings)", "OpenAI", _NO_SIZE, r"(chat)?gpt-?(3\.?5|[45](?!all))|o[134](-mini)?$"),
    ClosedModel("Claude 3 Haiku", "Anthropic", _NO_SIZE, r"claude.*haiku"),
    ClosedModel("Claude", "Anthropic", _NO_SIZE, r"claude"),
)
OPEN_ALTERNATIVES = (
    "Qwen/Qwen3-1.7B (1.7 B), HuggingFaceTB/SmolLM2-1.7B-Instruct (1.7 B), google/gemma-2-2b-it (2.6 B), "
    "HuggingFaceTB/SmolLM3-3B (3 B), microsoft/Phi-4-mini-instruct (3.8 B)"
)


def refuse_closed(source: str) -> None:
    """Explain that a model called `source` cannot be had.

    Raises: SourceError where the name is that of a model without published weights.
    """
    name = source.rsplit("/", 1)[-1].lower()
    maker_says = source.lower().split("/")[0] if "/" in source else None
    for model in CLOSED_MODELS:
        if re.match(model.pattern, name) and maker_says in (None, model.maker.lower()):
            raise SourceError(
                f"{model.name} cannot be exported: {model.maker} does not publish its weights ({model.size}). "
                f"Small open models that can be, with their sizes: {OPEN_ALTERNATIVES}."
            )


def architecture_of(raw_config: Mapping[str, Any]) -> str:
    """The architecture class that a config.json names, that of the language model where only it is exported; '' for none."""
    part = LANGUAGE_MODELS.get(str(raw_config.get("model_type")))
    if part is not None:
        return part.architecture
    named = raw_config.get("architectures")
    return str(named[0]) if isinstance(named, list) and named else ""


def require_supported(raw_config: Mapping[str, Any]) -> None:
    """Refuse a config.json whose architecture has no way through the exporter.

    Raises: SourceError naming what was found, what is supported and what comes nearest.
    """
    architecture, supported = architecture_of(raw_config), DECODERS | ENCODERS
    if architecture not in supported:
        raise unsupported(architecture, supported)


# `general.architecture` of GGUF files that transformers reads into a supported class.
GGUF_DECODERS = {
    "falcon": "FalconForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3": "Gemma3ForCausalLM",
    "gpt2": "GPT2LMHeadModel",
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "phi3": "Phi3ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
}


def require_supported_gguf(architecture: str, name: str) -> None:
    """Refuse a GGUF file whose `general.architecture` has no way through the exporter.

    Raises: SourceError naming what was found, what is supported and what comes nearest.
    """
    if architecture not in GGUF_DECODERS:
        near = difflib.get_close_matches(architecture, GGUF_DECODERS, n=1, cutoff=0.5)
        hint = f" The nearest is {near[0]}." if near else ""
        found = f"is of the architecture {architecture!r}" if architecture else "does not say its architecture"
        raise SourceError(
            f"{name} {found}, which is not read from GGUF files; those of {', '.join(GGUF_DECODERS)} are.{hint} "
            "Give the model as a Hugging Face folder or id instead, or choose one of these families."
        )


def unsupported(architecture: str, supported: Mapping[str, str]) -> SourceError:
    """The error that names what is supported and what comes nearest."""
    found = f"architecture {architecture}" if architecture else "config.json without an `architectures` entry"
    near = difflib.get_close_matches(architecture, supported, n=1, cutoff=0.5)
    hint = f" The nearest is {near[0]} ({supported[near[0]]})." if near else ""
    known = ", ".join(sorted(supported, key=str.lower))
    return SourceError(f"Unsupported {found}. Supported are {known}.{hint} Choose a model of one of these families.")


# The cache of so many tokens takes 1.1 GB in float16 for Llama 3.2 1B (16 layers × 8 heads × 64 × 2): no browser goes further.
# Rotary tables are as long as the context that is promised; for that model's 131,072 positions they would take 33 MB.
MAX_CONTEXT_TOKENS = 32_768


def context_length(config: Any) -> int:
    """How many positions an export of a transformers config can serve: what is stated, up to MAX_CONTEXT_TOKENS.

    LongRoPE (Phi-3 128k, Phi-4-mini; https://arxiv.org/abs/2402.13753) turns positions by other angles as soon as a text
    is longer than the original context, those already in the KV cache included. A cache cannot be turned back, so the
    export serves the original context, with the short factors, exactly as PyTorch does up to there.
    """
    stated = getattr(config, "max_position_embeddings", None) or getattr(config, "max_seq_len", None)
    if not isinstance(stated, int) or stated < 1:
        raise SourceError("config.json states no context length (max_position_embeddings). Is it complete?")
    scaling = getattr(config, "rope_scaling", None) or {}
    if scaling.get("rope_type", scaling.get("type")) in ("longrope", "su"):
        stated = getattr(config, "original_max_position_embeddings", None) or stated
    return min(int(stated), MAX_CONTEXT_TOKENS)


def kv_heads(config: Any) -> int:
    """Key and value heads per layer."""
    if getattr(config, "multi_query", False) and not getattr(config, "new_decoder_architecture", False):
        return 1  # Falcon 7B
    return int(getattr(config, "num_key_value_heads", None) or config.num_attention_heads)
