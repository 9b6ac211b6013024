"""Gemma 1 to 3: scaled embeddings and norms with weight 1 + w; from 2 on two norms more per layer and sliding windows."""

from __future__ import annotations

import copy
import math
from typing import Any

from slm_export.builders.contract import Contract
from slm_export.errors import ExportError

from builders.gemma import Gemma2Model, GemmaModel  # isort: skip


class Gemma(Contract, GemmaModel):  # type: ignore[misc]
    """Gemma, CodeGemma, and the language model of Cerule."""

    def __init__(self, config: Any, *arguments: Any) -> None:
        super().__init__(config, *arguments)
        self.embed_attrs["scale"] = math.sqrt(self.hidden_size)  # the builder rounds it to two decimals
        self.activation = config.hidden_act  # the one of its two activations that transformers uses


class Gemma2(Contract, Gemma2Model):  # type: ignore[misc]
    """Gemma 2: capped attention scores and logits; every other layer sees a window."""

    def __init__(self, config: Any, *arguments: Any) -> None:
        super().__init__(config, *arguments)
        self.embed_attrs["scale"] = math.sqrt(self.hidden_size)

    def is_local(self, layer_id: int) -> bool:
        return self.window_of(layer_id) > 0


class Gemma3(Gemma2):
    """Gemma 3: norms on query and key heads; layers with a window have a rotary base of their own."""

    per_head_norm = True

    @classmethod
    def defaults(cls, config: Any) -> dict[str, Any]:
        if config.attn_logit_softcapping is not None:
            raise ExportError(
                "This Gemma 3 caps its attention scores (attn_logit_softcapping), which transformers leaves out: there is no "
                "original to compare with. Set it to null in config.json if the model was trained without, as Google's were."
            )
        return super().defaults(config)

    def rotary_caches(self, layer_id: int) -> tuple[str, str]:
        if not self.is_local(layer_id):
            return self.make_caches("", self.rope_config)
        local = copy.deepcopy(self.rope_config)
        local.rope_theta, local.rope_scaling = local.rope_local_base_freq, None
        return self.make_caches("_local", local)
