"""Falcon 7B: one LayerNorm feeds attention and MLP side by side; all query heads share one key and one value head."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from slm_export.builders.contract import Contract, linear
from slm_export.errors import ExportError

from builders.phi import PhiModel  # isort: skip


class Falcon(Contract, PhiModel):  # type: ignore[misc]
    """A Falcon layer under the names of Phi-2's, which has the same shape."""

    @classmethod
    def defaults(cls, config: Any) -> dict[str, Any]:
        if config.alibi or config.new_decoder_architecture or not (config.multi_query and config.parallel_attn):
            raise ExportError(
                "Only Falcon models built like Falcon 7B (rotary positions, one key head, parallel attention) can be exported; "
                "this one has ALiBi, several key heads or sequential blocks (Falcon RW, 40B, 180B)."
            )
        inner = {"intermediate_size": config.ffn_hidden_size, "hidden_act": config.activation}
        return super().defaults(config) | inner | {"num_key_value_heads": 1}

    def make_layer(self, layer_id: int, layer: Any) -> None:
        packed, out = layer.self_attention.query_key_value, layer.self_attention.dense
        sizes = [self.q_size, self.kv_size, self.kv_size]
        biases = (None,) * 3 if packed.bias is None else packed.bias.split(sizes)
        parts = zip(packed.weight.split(sizes), biases, strict=True)
        query, key, value = (linear(weight, bias) for weight, bias in parts)
        wide, narrow = layer.mlp.dense_h_to_4h, layer.mlp.dense_4h_to_h
        usual = SimpleNamespace(
            input_layernorm=layer.input_layernorm,
            self_attn=SimpleNamespace(q_proj=query, k_proj=key, v_proj=value, o_proj=linear(out.weight, out.bias)),
            mlp=SimpleNamespace(fc1=linear(wide.weight, wide.bias), fc2=linear(narrow.weight, narrow.bias)),
        )
        super().make_layer(layer_id, usual)

    def has_final_norm(self, module: Any, orig_model: Any) -> bool:
        return module is orig_model.transformer.ln_f
