"""MPT: no position embedding; attention scores fall with distance instead (ALiBi, https://arxiv.org/abs/2108.12409)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from transformers.models.mpt.modeling_mpt import build_mpt_alibi_tensor

from slm_export.builders.contract import FLOAT, INT32, Contract, linear, norm
from slm_export.errors import ExportError


class Mpt(Contract):
    """An MPT block under the names of the builder's usual layer; its bias goes into GroupQueryAttention's attention_bias."""

    rotary = False

    @classmethod
    def defaults(cls, config: Any) -> dict[str, Any]:
        attention = config.attn_config
        if not attention.alibi or attention.qk_ln or attention.clip_qkv or attention.attn_type != "multihead_attention":
            raise ExportError(
                "This MPT model has no ALiBi, or has normalised, clipped or multi-query attention, which cannot be exported yet."
            )
        if attention.alibi_bias_max != 8:
            raise ExportError(
                f"This MPT model states alibi_bias_max {attention.alibi_bias_max}, which transformers leaves out: it takes 8, "
                "so there is no original to compare with. Choose a model with 8, as all of MosaicML's are."
            )
        inner = 4 * config.d_model  # as transformers' MptMLP, which ignores expansion_ratio
        return super().defaults(config) | {"intermediate_size": inner, "hidden_act": "gelu"}

    def __init__(self, config: Any, *arguments: Any) -> None:
        super().__init__(config, *arguments)
        self.layernorm_attrs["simple"] = False
        self.mlp_attrs["use_proj"], self.mlp_attrs["use_fc"] = False, True
        if config.attn_config.softmax_scale is not None:
            self.attention_attrs["scale"] = config.attn_config.softmax_scale

    def make_preprocessing_nodes(self) -> None:
        """bias[head, q, k] = slope[head] · (k - q): what transformers adds, but for a constant per row, which softmax drops."""
        base = "/model/alibi"
        alibi = build_mpt_alibi_tensor(self.num_attn_heads, 2, self.hf_config.attn_config.alibi_bias_max)
        self.make_initializer(-alibi[None, :, :, :1].float(), "model.alibi.slopes", to=FLOAT)  # [1, heads, 1, 1]
        rows = self.op("Unsqueeze", [self.positions(), "/model/constants/INT64/[1]"], f"{base}/Unsqueeze")
        ends = ["/model/constants/INT32/0", "total_sequence_length", "/model/constants/INT32/1"]
        distance = self.op("Sub", [self.op("Range", ends, f"{base}/Range"), rows], f"{base}/Sub")
        self.make_value(distance, INT32)
        floats = self.op("Cast", [distance], f"{base}/Cast", to=FLOAT)
        self.attention_bias = self.op("Mul", ["model.alibi.slopes", floats], f"{base}/Mul")

    def make_layer(self, layer_id: int, layer: Any) -> None:
        query, key, value = (linear(part) for part in layer.attn.Wqkv.weight.chunk(3))
        usual = SimpleNamespace(
            input_layernorm=norm(layer.norm_1),
            self_attn=SimpleNamespace(q_proj=query, k_proj=key, v_proj=value, o_proj=linear(layer.attn.out_proj.weight)),
            post_attention_layernorm=norm(layer.norm_2),
            mlp=SimpleNamespace(fc1=linear(layer.ffn.up_proj.weight), fc2=linear(layer.ffn.down_proj.weight)),
        )
        super().make_layer(layer_id, usual)

    def make_layernorm(self, layer_id: int, layernorm: Any, *arguments: Any, **kwargs: Any) -> None:
        super().make_layernorm(layer_id, norm(layernorm), *arguments, **kwargs)

    def is_layer(self, module: Any) -> bool:
        return type(module).__name__ == "MptBlock"

    def has_final_norm(self, module: Any, orig_model: Any) -> bool:
        return module is orig_model.transformer.norm_f
