"""OLMo 2: norms behind attention and MLP instead of before them, and over all query and key heads at once."""

from __future__ import annotations

from typing import Any

from slm_export.builders.contract import FLOAT, Contract


class Olmo2(Contract):
    """x + norm(attention(x)), then x + norm(mlp(x))."""

    per_head_norm = True  # asks for query and key apart; make_attention_qk_norm below norms them whole

    def make_attention_qk_norm(self, layer_id: int, attention: Any) -> None:
        for letter, module in (("q", attention.q_norm), ("k", attention.k_norm)):
            name = f"/model/layers.{layer_id}/attn/{letter}_norm"
            self.attention_attrs[f"{letter}_path"] = self.rms_norm(name, module, self.attention_attrs[f"{letter}_path"])

    def make_layer(self, layer_id: int, layer: Any) -> None:
        base = f"/model/layers.{layer_id}"
        hidden = self.layernorm_attrs["root_input"]
        if layer_id > 0:
            hidden = self.op("Add", [hidden, self.layernorm_attrs["skip_input"]], f"{base}/residual/Add")
        self.make_attention(layer_id, layer.self_attn, root_input=hidden)
        update = self.rms_norm(f"{base}/post_attention", layer.post_attention_layernorm, self.layernorm_attrs["skip_input"])
        hidden = self.op("Add", [hidden, update], f"{base}/attn_residual/Add")
        self.make_mlp(layer_id, layer.mlp, root_input=hidden)
        update = self.rms_norm(f"{base}/post_feedforward", layer.post_feedforward_layernorm, self.layernorm_attrs["skip_input"])
        # The next layer, or the final norm, adds the two.
        self.layernorm_attrs["root_input"], self.layernorm_attrs["skip_input"] = hidden, update
        self.layernorm_attrs["last_layernorm"] = layer_id == self.num_layers - 1

    def rms_norm(self, name: str, module: Any, hidden: str) -> str:
        weight = f"{name[1:].replace('/', '.')}.weight"
        self.make_initializer(module.weight, weight, to=FLOAT)
        epsilon = self.layernorm_attrs["epsilon"]
        return self.op("SimplifiedLayerNormalization", [hidden, weight], name, epsilon=epsilon, axis=-1, stash_type=1)
