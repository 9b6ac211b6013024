"""The engine's contract on top of onnxruntime-genai's graph builder: what every decoder family here has in common.

The builder's own classes know layers; this one, put in front of them, decides what they leave open or get wrong:

- inputs are those of graph.py (lengths instead of an attention mask, `logit_positions` before the head);
- rotary caches come from transformers' own frequency functions (the builder's Llama class ignores `linear`, its Gemma 3
  scales the local cache too), as long as the context that is promised, per layer where layers differ;
- sliding windows and layers without positions follow the config's `layer_types` and `no_rope_layers` (the builder's
  Gemma 2 has the two kinds of layers swapped, its SmolLM3 fails);
- norms use the config's epsilon, whatever it is called there.
"""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnx_ir as ir
import torch
from onnxruntime_genai.models import builder as _builder  # noqa: F401  (puts its folder on the path: `builders` below)
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from builders.base import Model  # isort: skip
from slm_export.errors import ExportError
from slm_export.families import context_length

FLOAT, INT32, INT64 = ir.DataType.FLOAT, ir.DataType.INT32, ir.DataType.INT64


class Contract(Model):  # type: ignore[misc]  # the builder has no types
    """A decoder with GroupQueryAttention over a shared cache. Subclasses say where their family differs."""

    per_head_norm = False  # RMS norm over each query and key head
    rotary = True
    attention_bias = ""  # name of a float [1, heads, S, T] tensor that is added to the scores

    @classmethod
    def of(cls, config: Any, work: Path) -> Contract:
        """A builder for a transformers config; `config._name_or_path` is the folder with the weights."""
        original, config = config, copy.deepcopy(config)
        for name, value in cls.defaults(config).items():
            setattr(config, name, value)
        options: dict[str, Any] = {"shared_embeddings": bool(config.tie_word_embeddings), "hf_token": False}
        options["op_types_to_quantize"] = ("MatMul", "Gather")  # nothing is quantised here; asked for by tied embeddings
        cache = work / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        builder = cls(config, FLOAT, FLOAT, "cpu", str(cache), options)
        builder.rope_config = original  # LongRoPE's factor needs the context that `defaults` has cut
        _require_multiple(builder.head_size, 16 if cls.rotary else 8, "heads")
        return builder

    @classmethod
    def defaults(cls, config: Any) -> dict[str, Any]:
        """Attributes that the builder reads and this family's config calls otherwise or does not have."""
        return {"max_position_embeddings": context_length(config)}

    def __init__(self, config: Any, *arguments: Any) -> None:
        self.hf_config = config
        super().__init__(config, *arguments)
        self.window_size = -1  # set layer by layer
        self.rope_config = config
        epsilons = [getattr(config, f"{name}_eps{rest}", None) for name in ("rms_norm", "layer_norm") for rest in ("", "ilon")]
        self.layernorm_attrs["epsilon"] = next(value for value in [*epsilons, 1e-6] if value is not None)

    # -- inputs and outputs

    def make_inputs_init(self) -> None:
        super().make_inputs_init()
        del self.input_names["attention_mask"]
        for name, dtype, shape in (
            ("seqlens_k", INT32, [1]),
            ("total_sequence_length", INT32, []),
            ("logit_positions", INT64, ["logit_count"]),
        ):
            self.input_names[name], self.input_types[name], self.input_shapes[name] = name, dtype, shape
        for cache in [name for name in self.input_names if name.startswith("past_")]:
            self.input_names[cache] = self.input_names.pop(cache)  # to the end

    def make_attention_mask_reformatting(self) -> None:
        """No mask: a batch of one has no padding."""

    def has_lm_head(self, module: Any) -> bool:
        """The head itself; the builder takes every linear layer that is as wide as the vocabulary for one."""
        return module is self.weights.get_output_embeddings()

    def make_embedding(self, embedding: Any) -> None:
        """The token embedding; the builder takes a table of positions with as many rows for one, too."""
        if embedding is self.weights.get_input_embeddings().weight:
            super().make_embedding(embedding)
            self.finish_embedding()

    def finish_embedding(self) -> None:
        """What a family adds to the embedded tokens, layernorm_attrs["root_input"] and ["skip_input"]."""

    def make_lm_head(self, lm_head: Any) -> None:
        """Logits only where they are asked for: in prefill the head is a fifth of the work, and one position is needed."""
        hidden = [self.layernorm_attrs["output_0"], "logit_positions"]
        self.layernorm_attrs["output_0"] = self.op("Gather", hidden, "/lm_head/Gather", axis=1)
        super().make_lm_head(lm_head)

    # -- layers

    def make_attention_init(self, config: Any) -> None:
        self.attention_attrs["q_norm"] = self.attention_attrs["k_norm"] = self.per_head_norm
        super().make_attention_init(config)

    def make_attention(self, layer_id: int, attention: Any, root_input: str, **kwargs: Any) -> None:
        self.window_size = self.window_of(layer_id)
        self.attention_attrs["rope"] = self.rotates(layer_id)
        super().make_attention(layer_id, attention, root_input, **kwargs)

    def window_of(self, layer_id: int) -> int:
        """How many positions a layer sees, itself included; -1 for all."""
        window = getattr(self.hf_config, "sliding_window", None)
        kinds = getattr(self.hf_config, "layer_types", None)
        if window is None or (kinds is not None and kinds[layer_id] != "sliding_attention"):
            return -1
        return int(window)

    def rotates(self, layer_id: int) -> bool:
        """False for a layer that knows no positions (SmolLM3), and for families with other positions than rotary."""
        kinds = getattr(self.hf_config, "no_rope_layers", None)
        return self.rotary and (kinds is None or bool(kinds[layer_id]))

    def make_attention_qk_rope(self, layer_id: int, **kwargs: Any) -> tuple[str, str]:
        return self.rotary_caches(layer_id) if self.attention_attrs["rope"] else ("", "")

    def rotary_caches(self, layer_id: int) -> tuple[str, str]:
        """Names of the cos and sin caches of a layer."""
        return self.make_caches("", self.rope_config)

    def make_caches(self, suffix: str, config: Any) -> tuple[str, str]:
        names = f"cos_cache{suffix}", f"sin_cache{suffix}"
        if names[0] not in self.values:
            scaling = getattr(config, "rope_scaling", None) or {}
            kind = scaling.get("rope_type", scaling.get("type", "default"))
            frequencies, factor = ROPE_INIT_FUNCTIONS[kind](config, torch.device("cpu"))
            _require_multiple(2 * len(frequencies), 16, "rotated parts of heads")
            angles = torch.outer(torch.arange(context_length(config)).float(), frequencies.float())
            self.make_initializer(angles.cos() * factor, names[0])
            self.make_initializer(angles.sin() * factor, names[1])
        return names

    def make_rope_init(self, config: Any) -> None:
        """Nothing of the builder's: see make_caches."""

    def make_group_query_attention(self, name: str, **kwargs: Any) -> None:
        inputs = [kwargs[path] for path in ("q_path", "k_path", "v_path")] + [kwargs["past_k"], kwargs["past_v"]]
        inputs += ["seqlens_k", "total_sequence_length", kwargs["cos_cache"], kwargs["sin_cache"], "", self.attention_bias]
        while not inputs[-1]:
            inputs.pop()
        self.make_node(
            "GroupQueryAttention",
            inputs=inputs,
            outputs=[f"{name}/output_0", kwargs["present_k"], kwargs["present_v"]],
            name=name,
            domain="com.microsoft",
            num_heads=self.num_attn_heads,
            kv_num_heads=self.num_kv_heads,
            scale=float(self.attention_attrs["scale"]),
            local_window_size=self.window_size,
            softcap=float(self.attention_attrs["softcap"]),
            do_rotary=int(self.attention_attrs["rope"]),
            rotary_interleaved=0,
        )
        self.make_value(f"{name}/output_0", FLOAT, shape=["batch_size", "sequence_length", self.q_size])

    # -- small things for subclasses

    def op(self, kind: str, inputs: list[str], name: str, *, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; returns the output's name."""
        self.make_node(kind, inputs=inputs, outputs=[f"{name}/output_0"], name=name, domain=domain, **attributes)
        return f"{name}/output_0"

    def positions(self) -> str:
        """int32 [S]: the positions of this run's tokens."""
        base = "/model/positions"
        length = self.op("Shape", ["input_ids"], f"{base}/Shape", start=1, end=2)
        count = self.op("Cast", [self.op("Squeeze", [length], f"{base}/Squeeze")], f"{base}/Cast", to=INT32)
        first = self.op("Sub", ["total_sequence_length", count], f"{base}/Sub")
        return self.op("Range", [first, "total_sequence_length", "/model/constants/INT32/1"], f"{base}/Range")


def _require_multiple(width: int, step: int, what: str) -> None:
    """GroupQueryAttention's limits, which it states at the first run only (open_llama_3b has heads of 100)."""
    if width % step:
        raise ExportError(
            f"ONNX Runtime's attention takes {what} whose width is a multiple of {step}; this model's are {width} wide, so it "
            "cannot be exported. Choose another model of the family."
        )


def linear(weight: torch.Tensor, bias: torch.Tensor | None = None) -> Any:
    """What the builder expects of a linear layer: `weight` [outputs, inputs] and `bias` [outputs] or None."""
    return SimpleNamespace(weight=weight.detach(), bias=None if bias is None else bias.detach())


def norm(module: Any) -> Any:
    """A LayerNorm with a bias, zero where it has none."""
    return SimpleNamespace(weight=module.weight, bias=torch.zeros_like(module.weight) if module.bias is None else module.bias)


class NormedHeads(Contract):
    """Qwen 3: the usual layer with an RMS norm over each query and key head."""

    per_head_norm = True
