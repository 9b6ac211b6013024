"""Mixtral: several MLPs per layer, of which a router picks the best few for each token.

Written with plain operators, so that every expert's matrices are quantised like all others and run on every backend:
ONNX Runtime's MoE operator takes one packed float tensor per layer, and its quantised form has no WASM kernel. Every
expert is computed for every token and weighted, by zero where it was not picked: the cost is that of a dense model.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from slm_export.builders.contract import Contract
from slm_export.errors import ExportError


class Mixtral(Contract):
    """Mistral's attention, a mixture of experts behind it."""

    def make_layer(self, layer_id: int, layer: Any) -> None:
        if self.activation != "silu":
            raise ExportError(f"Mixtral experts with activation {self.activation} cannot be exported yet, only silu.")
        usual = SimpleNamespace(
            input_layernorm=layer.input_layernorm,
            self_attn=layer.self_attn,
            post_attention_layernorm=layer.post_attention_layernorm,
            mlp=layer.block_sparse_moe,
        )
        super().make_layer(layer_id, usual)

    def make_mlp(self, layer_id: int, mlp: Any, root_input: str) -> None:
        base = f"/model/layers.{layer_id}/moe"
        shares = self.make_router(base, mlp.gate, root_input, count=len(mlp.experts))
        weighted = []
        for index, (expert, share) in enumerate(zip(mlp.experts, shares, strict=True)):
            name = f"{base}/experts.{index}"
            weighted.append(self.op("Mul", [self.make_expert(name, expert, root_input), share], f"{name}/Mul_1"))
        self.layernorm_attrs["skip_input"] = self.op("Sum", weighted, f"{base}/Sum")

    def make_router(self, base: str, gate: Any, root_input: str, *, count: int) -> list[str]:
        """Per expert [1, S, 1]: its share of each token, zero where it was not picked. The router's matrix stays float."""
        base = f"{base}/router"
        scores = f"{self.make_matmul(gate, f'{base}/MatMul', root_input)}/output_0"
        chances = self.op("Softmax", [scores], f"{base}/Softmax", axis=-1)
        best, where = f"{base}/TopK/values", f"{base}/TopK/indices"
        wanted = f"/model/constants/INT64/[{self.hf_config.num_experts_per_tok}]"
        self.make_node("TopK", inputs=[chances, wanted], outputs=[best, where], name=f"{base}/TopK", axis=-1)
        total = self.op("ReduceSum", [best, "/model/constants/INT64/[-1]"], f"{base}/ReduceSum", keepdims=1)
        share = self.op("Div", [best, total], f"{base}/Div")
        nothing = self.op("Sub", [chances, chances], f"{base}/Sub")
        dense = self.op("ScatterElements", [nothing, where, share], f"{base}/ScatterElements", axis=-1)
        outputs = [f"{base}/Split/output_{index}" for index in range(count)]
        self.make_node("Split", inputs=[dense], outputs=outputs, name=f"{base}/Split", axis=-1, num_outputs=count)
        return outputs

    def make_expert(self, base: str, expert: Any, root_input: str) -> str:
        gate = f"{self.make_matmul(expert.w1, f'{base}/gate_proj/MatMul', root_input)}/output_0"
        up = f"{self.make_matmul(expert.w3, f'{base}/up_proj/MatMul', root_input)}/output_0"
        active = self.op("Mul", [gate, self.op("Sigmoid", [gate], f"{base}/Sigmoid")], f"{base}/silu/Mul")
        both = self.op("Mul", [active, up], f"{base}/Mul")
        return f"{self.make_matmul(expert.w2, f'{base}/down_proj/MatMul', both)}/output_0"
