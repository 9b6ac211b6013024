"""Graph builders of the decoder families, each a small class over onnxruntime-genai's. Loaded only when one is needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# transformers' architecture class → module here and class in it; families.py says which families each one stands for.
BUILDERS = {
    "LlamaForCausalLM": ("contract", "Contract"),
    "MistralForCausalLM": ("contract", "Contract"),
    "MinistralForCausalLM": ("contract", "Contract"),
    "Phi3ForCausalLM": ("contract", "Contract"),
    "Qwen2ForCausalLM": ("contract", "Contract"),
    "SmolLM3ForCausalLM": ("contract", "Contract"),
    "Qwen3ForCausalLM": ("contract", "NormedHeads"),
    "PhiForCausalLM": ("phi", "Phi"),
    "FalconForCausalLM": ("falcon", "Falcon"),
    "GemmaForCausalLM": ("gemma", "Gemma"),
    "Gemma2ForCausalLM": ("gemma", "Gemma2"),
    "Gemma3ForCausalLM": ("gemma", "Gemma3"),
    "GPT2LMHeadModel": ("gpt2", "Gpt2"),
    "MptForCausalLM": ("mpt", "Mpt"),
    "MixtralForCausalLM": ("mixtral", "Mixtral"),
    "Olmo2ForCausalLM": ("olmo2", "Olmo2"),
}


def builder_class(architecture: str) -> Any:
    """The class that builds the graph of `architecture`: `.of(config, work)` makes a builder.

    Raises: KeyError for an architecture that is not in BUILDERS.
    """
    module, name = BUILDERS[architecture]
    return getattr(import_module(f"slm_export.builders.{module}"), name)
