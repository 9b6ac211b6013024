"""What a training will need, said before it begins: memory from the model's sizes, time from this machine's matrix speed.

Operations per token: 2 per weight forward, 2 backward (frozen weights need no gradient of their own), of the head only where
there is an answer. A pass reaches a part of the matrix speed; the part was measured on SmolLM2-135M (docs/finetune.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slm_export.export_time import spoken
from slm_export.finetune.encode import Encoded
from slm_export.resources import available_memory_bytes, matmul_flops

_OPERATIONS = 4  # per weight and token
_SHARE_OF_SPEED = (0.25, 0.9)
_SAVED_PER_LAYER = 34  # values of the hidden width that autograd keeps per token and layer, eager attention left out
_OVERHEAD_BYTES = 900_000_000  # Python, PyTorch and its libraries, and what the allocators hold


@dataclass(frozen=True, slots=True)
class Need:
    """Estimates. `low_seconds` and `high_seconds` are None where a GPU works, whose speed is not measured here."""

    memory_bytes: int
    low_seconds: int | None
    high_seconds: int | None


def estimate(model: Any, examples: Sequence[Encoded], batch_tokens: int, passes: float, *, is_cpu: bool, is_bf16: bool) -> Need:
    """What `passes` over the examples need."""
    config = model.config
    parameters = sum(p.numel() for p in model.parameters())
    lora = sum(p.numel() for p in model.parameters() if p.requires_grad)
    vocabulary, width, layers = int(config.vocab_size), int(config.hidden_size), int(config.num_hidden_layers)
    answer_share = sum(len(e.answer) for e in examples) / max(sum(len(e) for e in examples), 1)
    longest = max(len(example) for example in examples)
    heads = int(getattr(config, "num_attention_heads", 1))
    kept = batch_tokens * layers * (_SAVED_PER_LAYER * width + 3 * heads * min(longest, batch_tokens))
    logits = int(3 * 4 * batch_tokens * answer_share * vocabulary)
    memory = 6 * parameters + 16 * lora + int((2.2 if is_bf16 else 4) * kept) + logits + _OVERHEAD_BYTES
    if not is_cpu:
        return Need(memory, None, None)
    head = vocabulary * width
    per_token = _OPERATIONS * (parameters - head) + _OPERATIONS * head * answer_share
    seconds = per_token * passes * sum(len(example) for example in examples) / matmul_flops()
    low = max(1, round(seconds / _SHARE_OF_SPEED[1]))
    return Need(memory, low, max(low + 1, round(seconds / _SHARE_OF_SPEED[0])))


def need_lines(need: Need, minutes: float) -> list[str]:
    """The estimate as sentences."""
    available = available_memory_bytes()
    here = f" ({available / 1e9:.1f} GB available)" if available is not None else ""
    time = "is not known before a GPU has begun"
    if need.low_seconds is not None and need.high_seconds is not None:
        time = f"{spoken(need.low_seconds, need.high_seconds)} where nothing else runs"
    limit = f", ended after {minutes:g} minutes" if minutes else ""
    return [f"memory: about {need.memory_bytes / 1e9:.1f} GB{here}", f"time:   {time}{limit}"]
