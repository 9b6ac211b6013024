"""Is an encoder bundle the model? Each variant against PyTorch on sentences of prose.

Classifiers are compared label by label: KL(original ‖ variant) of the label distributions, same label, perplexity ratio
over the original's own labels. Embeddings by what they would find: each text's distribution over the other texts,
softmax of 20 × cosine (the scale that sentence-transformers trains with), compared the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from slm_export.manifest import Encoder, Fidelity, Reference, ReferenceLogit
from slm_export.original import prose
from slm_export.ort_transformer import OrtEncoder
from slm_export.pretrained import Pretrained
from slm_export.progress import Reporter

TEXTS = 96
SIMILARITY_SCALE = 20.0
REFERENCE_LOGITS = 8


def measure_encoder(
    source: Pretrained, folders: Mapping[str, Path], encoder: Encoder, reporter: Reporter
) -> tuple[dict[str, Fidelity], Reference]:
    """Compare every variant folder with PyTorch."""
    texts = [list(source.tokenizer(text, truncation=True, max_length=encoder.max_tokens)["input_ids"]) for text in _sentences()]
    reporter.say(f"  PyTorch reads {len(texts)} sentences")
    expected = [output_of(encoder, _torch_run(source.model, tokens)) for tokens in texts]
    reference_index = max(range(len(texts)), key=lambda index: _margin(encoder, expected[index]))
    reference = _reference(texts[reference_index], expected[reference_index])
    fidelities = {}
    for name, folder in folders.items():
        runner = OrtEncoder(folder)
        found = [output_of(encoder, runner.run(tokens)) for tokens in texts]
        reporter.say(f"  {name}: {sum(map(len, texts)):,} tokens compared")
        error = float(np.abs(found[reference_index] - expected[reference_index]).max())
        fidelities[name] = _fidelity(encoder, expected, found, error)
    return fidelities, reference


def output_of(encoder: Encoder, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a caller gets of one run: logits as they are; hidden states [S, d] pooled to one vector [d]."""
    if encoder.task != "embeddings":
        return values
    pooled = {"mean": lambda: values.mean(axis=0), "max": lambda: values.max(axis=0), "cls": lambda: values[0]}[encoder.pooling]()
    return np.asarray(pooled / np.linalg.norm(pooled) if encoder.normalize else pooled, np.float32)


def _sentences() -> list[str]:
    sentences = re.split(r"(?<=[.!?])\s+", re.sub(r"\s+", " ", prose()))
    return [sentence for sentence in sentences if len(sentence) > 20][:TEXTS]


def _margin(encoder: Encoder, output: NDArray[np.float32]) -> float:
    """How decisive an answer is: the smallest distance of the two best labels. Vectors are alike in this."""
    if encoder.task == "embeddings" or output.shape[-1] < 2:
        return 0.0
    best = np.sort(np.atleast_2d(output), axis=1)
    return float((best[:, -1] - best[:, -2]).min())


def _reference(tokens: Sequence[int], output: NDArray[np.float32]) -> Reference:
    flat = output.reshape(-1)
    logits = tuple(ReferenceLogit(index, round(float(value), 4)) for index, value in enumerate(flat[:REFERENCE_LOGITS]))
    return Reference(tuple(tokens), (), logits, tuple(round(float(value), 5) for value in flat))


def _fidelity(
    encoder: Encoder, expected: Sequence[NDArray[np.float32]], found: Sequence[NDArray[np.float32]], error: float
) -> Fidelity:
    original, variant = _log_chances(encoder, expected), _log_chances(encoder, found)
    chances = original.exp()
    kl = (chances * (original - variant)).nan_to_num(0.0).sum(dim=1).numpy()  # 0 · (-inf + inf): a text is not its own find
    labels = original.argmax(dim=1)
    same = labels == variant.argmax(dim=1)
    difference = (original.gather(1, labels[:, None]) - variant.gather(1, labels[:, None])).mean()
    # One "prompt" is one text: all its labels, or what it finds first.
    counts = [1 if output.ndim == 1 else len(output) for output in expected]
    texts_equal = [bool(part.all()) for part in same.split(counts)]
    return Fidelity(
        tokens_compared=len(kl),
        top1_agreement=float(same.float().mean()),
        mean_kl=max(float(kl.mean()), 0.0),
        p99_kl=max(float(np.quantile(kl, 0.99)), 0.0),
        perplexity_ratio=float(difference.exp()),
        greedy_prompts=len(expected),
        greedy_prompts_equal=sum(texts_equal),
        max_reference_logit_error=error,
    )


def _log_chances(encoder: Encoder, outputs: Sequence[NDArray[np.float32]]) -> torch.Tensor:
    """Log-probabilities float32 [answers, labels or texts]."""
    if encoder.task != "embeddings":
        logits = torch.from_numpy(np.concatenate([np.atleast_2d(output) for output in outputs]))
        if encoder.multi_label or logits.shape[1] == 1:  # each label by itself: yes or no
            flat = logits.reshape(-1, 1)
            return functional.log_softmax(torch.cat([flat, torch.zeros_like(flat)], dim=1), dim=1)
        return functional.log_softmax(logits, dim=1)
    vectors = functional.normalize(torch.from_numpy(np.stack(outputs)), dim=1)
    cosines = SIMILARITY_SCALE * vectors @ vectors.T
    cosines.fill_diagonal_(-torch.inf)
    return functional.log_softmax(cosines, dim=1)


@torch.inference_mode()
def _torch_run(model: Any, tokens: Sequence[int]) -> NDArray[np.float32]:
    output = model(input_ids=torch.tensor([tokens]))
    values = output.logits if hasattr(output, "logits") else output.last_hidden_state
    return np.asarray(values[0])
