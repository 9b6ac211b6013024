"""GPT-2 and DistilGPT2: learned positions, LayerNorm, one packed projection stored [inputs, outputs]."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from slm_export.builders.contract import FLOAT, Contract, linear
from slm_export.errors import ExportError


class Gpt2(Contract):
    """A GPT-2 block under the names of the builder's usual layer."""

    rotary = False

    @classmethod
    def defaults(cls, config: Any) -> dict[str, Any]:
        if not config.scale_attn_weights or config.scale_attn_by_inverse_layer_idx:
            raise ExportError("This GPT-2 scales its attention in an unusual way (scale_attn_…), which cannot be exported yet.")
        inner = config.n_inner or 4 * config.n_embd
        return super().defaults(config) | {"intermediate_size": inner, "hidden_act": config.activation_function}

    def __init__(self, config: Any, *arguments: Any) -> None:
        super().__init__(config, *arguments)
        self.layernorm_attrs["simple"] = False
        self.mlp_attrs["use_proj"], self.mlp_attrs["use_fc"] = False, True

    def finish_embedding(self) -> None:
        self.make_initializer(self.weights.transformer.wpe.weight, "model.position_embedding.weight", to=FLOAT)
        rows = self.op("Gather", ["model.position_embedding.weight", self.positions()], "/model/position_embedding/Gather")
        total = self.op("Add", [self.layernorm_attrs["root_input"], rows], "/model/position_embedding/Add")
        self.layernorm_attrs["root_input"] = self.layernorm_attrs["skip_input"] = total

    def make_layer(self, layer_id: int, layer: Any) -> None:
        packed = layer.attn.c_attn
        parts = zip(packed.weight.T.chunk(3), packed.bias.chunk(3), strict=True)
        query, key, value = (linear(weight, bias) for weight, bias in parts)
        out, wide, narrow = layer.attn.c_proj, layer.mlp.c_fc, layer.mlp.c_proj
        usual = SimpleNamespace(
            input_layernorm=layer.ln_1,
            self_attn=SimpleNamespace(q_proj=query, k_proj=key, v_proj=value, o_proj=linear(out.weight.T, out.bias)),
            post_attention_layernorm=layer.ln_2,
            mlp=SimpleNamespace(fc1=linear(wide.weight.T, wide.bias), fc2=linear(narrow.weight.T, narrow.bias)),
        )
        super().make_layer(layer_id, usual)

    def is_layer(self, module: Any) -> bool:
        return type(module).__name__ == "GPT2Block"

    def has_final_norm(self, module: Any, orig_model: Any) -> bool:
        return module is orig_model.transformer.ln_f
