"""Is an encoder bundle the model? Each variant against PyTorch on the sentences of a text.

Classifiers are compared label by label: KL(original ‖ variant) of the label distributions, same label, perplexity ratio
over the original's own labels. Embeddings by what they would find: each text's distribution over the other texts,
softmax of 20 × cosine (the scale that sentence-transformers trains with), compared the same way.

One number a text says how far its output strayed (Measured.distances): 1 - cosine to the original's vector, or the largest
difference of a label's probability.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from slm_export.errors import VerifyError
from slm_export.manifest import Reference, ReferenceLogit
from slm_export.manifest_model import Encoder
from slm_export.original import REFERENCE_LOGITS, Original, PromptAnswer, write_original
from slm_export.ort_transformer import OrtEncoder
from slm_export.pretrained import Pretrained
from slm_export.progress import Reporter
from slm_export.verify import Measured, require_finite

TEXTS = 96
SIMILARITY_SCALE = 20.0
_OUTPUTS = "outputs.npz"  # of the PyTorch pass: one array a text


def run_original(
    source: Pretrained, encoder: Encoder, folder: Path, reporter: Reporter, *, text: str, text_name: str
) -> Original:
    """What PyTorch gives for the sentences of `text`.

    Raises: VerifyError for a text of fewer than two sentences.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sentences = _sentences(text)
    if len(sentences) < 2:
        raise VerifyError(f"{text_name} has fewer than two sentences of 20 characters. Give a longer text.")
    tokenizer, model, say = source.tokenizer, source.load_model(), reporter.paced()
    texts = [tuple(tokenizer(each, truncation=True, max_length=encoder.max_tokens)["input_ids"]) for each in sentences]
    outputs = []
    for index, tokens in enumerate(texts):
        say(f"  {text_name}: {index} of {len(texts)} sentences")
        outputs.append(output_of(encoder, _torch_run(model, tokens)))
    np.savez(folder / _OUTPUTS, *outputs)
    prompts = tuple(PromptAnswer(tokens, (), _first(output)) for tokens, output in zip(texts, outputs, strict=True))
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    flat = tuple(token for tokens in texts for token in tokens)
    original = Original(folder, text_name, sha256, flat, encoder.max_tokens, encoder.dimensions, prompts)
    write_original(original)
    return original


def measure(folder: Path, encoder: Encoder, original: Original, reporter: Reporter) -> Measured:
    """Run the variant in `folder` over the same sentences.

    Raises: VerifyError where it gives numbers that are not finite.
    """
    expected, runner, say = _outputs(original), OrtEncoder(folder), reporter.paced()
    found = []
    for index, prompt in enumerate(original.prompts):
        say(f"  {original.text_name}: {index} of {len(original.prompts)} sentences")
        found.append(output_of(encoder, runner.run(prompt.tokens)))
    require_finite(folder.name, np.concatenate([each.ravel() for each in found]).tolist())
    before, after = _log_chances(encoder, expected), _log_chances(encoder, found)
    kl = (before.exp() * (before - after)).nan_to_num(0.0).sum(dim=1)  # 0 · (-inf + inf): a text is not its own find
    labels = before.argmax(dim=1)
    same = labels == after.argmax(dim=1)
    nll = [-float(chances.gather(1, labels[:, None]).sum(dtype=torch.float64)) for chances in (before, after)]
    # One "prompt" is one text: all its labels, or what it finds first.
    counts = [len(_log_chances(encoder, [output])) if encoder.task != "embeddings" else 1 for output in expected]
    pairs = list(zip(expected, found, strict=True))
    return Measured(
        kl=tuple(max(value, 0.0) for value in kl.tolist()),
        agreements=int(same.sum()),
        nll_original=nll[0],
        nll_variant=nll[1],
        predicted=len(kl),
        divergences=tuple(None if bool(part.all()) else int(torch.nonzero(~part)[0]) for part in same.split(counts)),
        prompt_logits=tuple(tuple(entry.logit for entry in _first(output)) for output in found),
        kv=None,
        output_errors=tuple(float(np.abs(a - b).max()) for a, b in pairs),
        distances=tuple(_distance(encoder, a, b) for a, b in pairs),
    )


def choose_reference(encoder: Encoder, original: Original) -> tuple[int, Reference]:
    """The text with the most decisive answer, its outputs as PyTorch gives them."""
    outputs = _outputs(original)
    best = max(range(len(outputs)), key=lambda index: _margin(encoder, outputs[index]))
    values = tuple(round(float(value), 5) for value in outputs[best].reshape(-1))
    return best, Reference(original.prompts[best].tokens, (), original.prompts[best].logits, values)


def output_of(encoder: Encoder, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a caller gets of one run: logits as they are; hidden states [S, d] pooled to one vector [d]."""
    if encoder.task != "embeddings":
        return values
    pooled = {"mean": lambda: values.mean(axis=0), "max": lambda: values.max(axis=0), "cls": lambda: values[0]}[encoder.pooling]()
    return np.asarray(pooled / np.linalg.norm(pooled) if encoder.normalize else pooled, np.float32)


def _outputs(original: Original) -> list[NDArray[np.float32]]:
    with np.load(original.folder / _OUTPUTS) as stored:
        return [stored[f"arr_{index}"] for index in range(len(original.prompts))]


def _sentences(text: str) -> list[str]:
    sentences = re.split(r"(?<=[.!?])\s+", re.sub(r"\s+", " ", text))
    return [sentence for sentence in sentences if len(sentence) > 20][:TEXTS]


def _margin(encoder: Encoder, output: NDArray[np.float32]) -> float:
    """How decisive an answer is: the smallest distance of the two best labels. Vectors are alike in this."""
    if encoder.task == "embeddings" or output.shape[-1] < 2:
        return 0.0
    best = np.sort(np.atleast_2d(output), axis=1)
    return float((best[:, -1] - best[:, -2]).min())


def _first(output: NDArray[np.float32]) -> tuple[ReferenceLogit, ...]:
    flat = output.reshape(-1)[:REFERENCE_LOGITS]
    return tuple(ReferenceLogit(index, round(float(value), 4)) for index, value in enumerate(flat))


def _distance(encoder: Encoder, expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    if encoder.task == "embeddings":
        lengths = np.linalg.norm(expected.astype(np.float64)) * np.linalg.norm(found.astype(np.float64))
        return max(0.0, float(1 - expected.astype(np.float64) @ found.astype(np.float64) / lengths))
    before, after = _log_chances(encoder, [expected]).exp(), _log_chances(encoder, [found]).exp()
    return float((before - after).abs().max())


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
    output = model(input_ids=torch.tensor([list(tokens)]))
    values = output.logits if hasattr(output, "logits") else output.last_hidden_state
    return np.asarray(values[0])
