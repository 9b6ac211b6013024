"""Encoder-decoder and encoder variants in native ONNX Runtime on this CPU, run as the browser engine runs them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from slm_export.resources import session_threads


def open_session(graph: Path) -> Any:
    """A session that folds 8-bit weights at load, as the browser does on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.intra_op_num_threads = session_threads()
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class OrtSeq2Seq:
    """Three sessions (see seq2seq_graph.py) and the state of one answer."""

    def __init__(self, folder: Path) -> None:
        self.embedding, self.encoder, self.decoder = (
            open_session(folder / f"{name}.onnx") for name in ("embedding", "encoder", "decoder")
        )
        self.outputs = [value.name for value in self.decoder.get_outputs()]

    def encode(self, tokens: Sequence[int]) -> None:
        """Read `tokens` and begin an answer."""
        self.mask = np.ones((1, len(tokens)), np.int64)
        cross = self.encoder.run(None, {"embeddings": self.embed(tokens), "attention_mask": self.mask})
        self.cross = dict(zip((value.name for value in self.encoder.get_outputs()), cross, strict=True))
        self.reset()

    def reset(self) -> None:
        """Begin the answer to the same tokens again."""
        self.past = {
            value.name: np.zeros((1, value.shape[1], 0, value.shape[3]), np.float32)
            for value in self.decoder.get_inputs()
            if value.name.startswith("past_key_values.")
        }

    def embed(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        return np.asarray(self.embedding.run(None, {"input_ids": np.array([tokens], np.int64)})[0])

    @property
    def kv_dtype(self) -> np.dtype[np.generic]:
        """Element type of the cache."""
        return np.dtype(np.float32)

    def step(self, tokens: Sequence[int], *, all_positions: bool = True) -> NDArray[np.float32]:
        """Append `tokens` to the answer; logits float32 [n, vocabulary], one row a token, or the last one's row alone."""
        feeds = {"embeddings": self.embed(tokens), "encoder_attention_mask": self.mask, **self.cross, **self.past}
        found = dict(zip(self.outputs, self.decoder.run(self.outputs, feeds), strict=True))
        self.past = {name: found[name.replace("past_key_values", "present")] for name in self.past}
        return np.asarray(found["logits"][0] if all_positions else found["logits"][0, -1:])

    def greedy(self, tokens: Sequence[int], start: Sequence[int], count: int, ends: Sequence[int]) -> tuple[int, ...]:
        """The answer to `tokens`, each token the most likely one: at most `count`, the end of text included."""
        self.encode(tokens)
        answer: list[int] = []
        following = list(start)
        while len(answer) < count and not (answer and answer[-1] in ends):
            answer.append(int(self.step(following)[-1].argmax()))
            following = answer[-1:]
        return tuple(answer)


class OrtEncoder:
    """One session; no state."""

    def __init__(self, folder: Path) -> None:
        self.session = open_session(folder / "model.onnx")
        self.inputs = [value.name for value in self.session.get_inputs()]

    def run(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """The first output: logits [labels] or [S, labels], or hidden states [S, d]."""
        ids = np.array([tokens], np.int64)
        values = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        return np.asarray(self.session.run(None, {name: values[name] for name in self.inputs})[0][0])
