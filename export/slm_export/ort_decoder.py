"""A variant's graph in native ONNX Runtime on this CPU: what verification runs, with the engine's inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from slm_export.memory import return_freed_memory
from slm_export.resources import session_threads

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class OrtDecoder:
    """One session and its KV cache of one sequence.

    With `quick` ONNX Runtime multiplies integers, activations of 8 bits among them: half the time a token, a little less exact.
    """

    def __init__(self, graph: Path, *, quick: bool = False) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Fold DequantizeLinear weights at load instead of turning them into MatMulNBits: as the browser does on the CPU.
        if not quick:
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        # Several sessions take turns on the same cores: idle threads must sleep, not spin.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.intra_op_num_threads = session_threads()
        self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        return_freed_memory()  # folding leaves nearly as much behind as it keeps (480 MB at SmolLM2-135M)
        self.past_names = [value.name for value in self.session.get_inputs() if value.name.startswith("past_key_values.")]
        self.empty: dict[str, NDArray[np.generic]] = {}
        for value in self.session.get_inputs():
            if value.name in self.past_names:
                heads, head_dim = value.shape[1], value.shape[3]
                self.empty[value.name] = np.zeros((1, heads, 0, head_dim), _TYPES[value.type])
        self.reset()

    def reset(self) -> None:
        """Forget the sequence."""
        self.cache = dict(self.empty)
        self.length = 0

    @property
    def kv_dtype(self) -> np.dtype[np.generic]:
        """Element type of the cache: float32 or float16."""
        return next(iter(self.empty.values())).dtype

    def step(self, tokens: Sequence[int], *, all_positions: bool = False, last: int = 1) -> NDArray[np.float32]:
        """Append `tokens`; logits float32 [n, vocabulary] of the `last` positions, or of all of them."""
        count = len(tokens)
        self.length += count
        positions = np.arange(0 if all_positions else count - last, count)
        feeds = {
            "input_ids": np.array([tokens], np.int64),
            "seqlens_k": np.array([self.length - 1], np.int32),
            "total_sequence_length": np.array(self.length, np.int32),
            "logit_positions": positions.astype(np.int64),
            **self.cache,
        }
        logits, *present = self.session.run(["logits", *(_present(name) for name in self.past_names)], feeds)
        self.cache = dict(zip(self.past_names, present, strict=True))
        return np.asarray(logits[0], np.float32)

    def greedy(self, prompt: Sequence[int], count: int) -> tuple[int, ...]:
        """The `count` tokens that follow `prompt`, each the most likely one. Ends of text are tokens like others."""
        self.reset()
        logits = self.step(prompt)
        tokens: list[int] = []
        while True:
            tokens.append(int(logits[-1].argmax()))
            if len(tokens) == count:
                return tuple(tokens)
            logits = self.step(tokens[-1:])


def _present(past: str) -> str:
    return past.replace("past_key_values.", "present.", 1)
