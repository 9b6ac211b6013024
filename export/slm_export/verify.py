"""Is a variant the model? Its graph in native ONNX Runtime against the PyTorch pass on disk (original.py), one at a time.

The measure is KL(original ‖ variant) in nats and the share of positions with the same most likely token, on text in
windows of 512 tokens; perplexity ratio = exp(mean NLL of the variant - mean NLL of the original) over the same tokens.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from slm_export.errors import VerifyError
from slm_export.kv_check import KvEquality, kv_equality
from slm_export.manifest import Fidelity, Reference
from slm_export.memory import return_freed_memory
from slm_export.original import CHUNK_TOKENS, Original, PromptAnswer, prose
from slm_export.ort_decoder import OrtDecoder
from slm_export.progress import Reporter

__all__ = ["Measured", "choose_reference", "fidelity_of", "measure_variant", "prose", "read_measured"]

REFERENCE_TOKENS = 8
LONG_PROMPT_TOKENS = 64  # from here on a GPU's prefill kernels are at work, not those for a few rows
ENOUGH_REFERENCE_TOKENS = 4
# Largest error of an encoder's reference outputs, as a share of the largest: a sure classifier keeps its labels through
# faults that its numbers show.
MAX_OUTPUT_ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """What one variant's pass found. Lists have one entry per token of the text, or per test prompt.

    `kl` in nats; `nll_original` and `nll_variant` are sums in nats over `predicted` tokens; `divergences` is the index of
    the first greedy token that differs from PyTorch's, None where all agree; `prompt_logits` are the variant's logits at
    the tokens of PromptAnswer.logits. An encoder has no cache (`kv`), and per text `output_errors`, the largest difference
    of its outputs, and `distances` (see verify_encoder.py), which are empty elsewhere.
    """

    kl: tuple[float, ...]
    agreements: int
    nll_original: float
    nll_variant: float
    predicted: int
    divergences: tuple[int | None, ...]
    prompt_logits: tuple[tuple[float, ...], ...]
    kv: KvEquality | None
    output_errors: tuple[float, ...] = ()
    distances: tuple[float, ...] = ()


def measure_variant(graph: Path, original: Original, reporter: Reporter) -> Measured:
    """Run the variant whose ONNX file is `graph` over the text and the prompts of the PyTorch pass."""
    decoder = OrtDecoder(graph)
    kl: list[float] = []
    agreements, predicted, nll = 0, 0, np.zeros(2)
    say = reporter.paced()
    for start, window in original.windows():
        say(f"  {original.text_name}: {start:,} of {len(original.tokens):,} tokens")
        decoder.reset()
        for first in range(0, len(window), CHUNK_TOKENS):
            chunk = window[first : first + CHUNK_TOKENS]
            variant = torch.log_softmax(torch.from_numpy(decoder.step(chunk, all_positions=True)), dim=1)
            expected = torch.from_numpy(original.log_probs(start + first, len(chunk)))
            kl += functional.kl_div(variant, expected, reduction="none", log_target=True).sum(dim=1).tolist()
            agreements += int((expected.argmax(dim=1) == variant.argmax(dim=1)).sum())
            following = torch.tensor(window[first + 1 : first + 1 + len(chunk)])[:, None]
            for index, rows in enumerate((expected, variant)):
                nll[index] -= float(rows[: len(following)].gather(1, following).sum(dtype=torch.float64))
            predicted += len(following)
    require_finite(graph.parent.name, [*kl, *nll])
    answers = [_divergence(decoder, prompt) for prompt in original.prompts]
    kv = kv_equality(decoder, original.tokens)
    del decoder
    return_freed_memory()
    return Measured(
        kl=tuple(max(value, 0.0) for value in kl),
        agreements=agreements,
        nll_original=float(nll[0]),
        nll_variant=float(nll[1]),
        predicted=predicted,
        divergences=tuple(divergence for divergence, _ in answers),
        prompt_logits=tuple(logits for _, logits in answers),
        kv=kv,
    )


def require_finite(name: str, values: Sequence[float]) -> None:
    """Raises: VerifyError where the variant `name` gave NaN or infinity."""
    if not np.isfinite(values).all():
        raise VerifyError(
            f"{name} gives numbers that are not finite (NaN or infinity): its float type is too narrow for this "
            "model, or its weights are broken. Leave this variant out (--variants), or report the model's name."
        )


def write_measured(measured: Measured, path: Path) -> None:
    """To a JSON file that `read_measured` reads."""
    path.write_text(json.dumps(dataclasses.asdict(measured), allow_nan=False), encoding="utf-8")


def read_measured(path: Path) -> Measured:
    """What `write_measured` wrote."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    for name in ("kl", "divergences", "output_errors", "distances"):
        fields[name] = tuple(fields[name])
    fields["prompt_logits"] = tuple(map(tuple, fields["prompt_logits"]))
    return Measured(**{**fields, "kv": fields["kv"] and KvEquality(**fields["kv"])})


def faults(name: str, measured: Measured, fidelity: Fidelity, reference: Reference) -> list[str]:
    """Sentences about what is wrong with the variant `name` beyond its fidelity."""
    found = []
    if measured.kv and (fault := measured.kv.fault(name)):
        found.append(fault)
    if reference.outputs is not None:
        error = fidelity.max_reference_logit_error / max(abs(value) for value in reference.outputs)
        if not error <= MAX_OUTPUT_ERROR:
            found.append(f"{name}: its outputs for the reference text are off by {error:.2%} (at most {MAX_OUTPUT_ERROR:.0%})")
    return found


def _divergence(decoder: OrtDecoder, prompt: PromptAnswer) -> tuple[int | None, tuple[float, ...]]:
    """Where the variant's greedy answer parts from PyTorch's, and its logits after the prompt.

    PyTorch's answer is fed in one go: up to the first difference greedy decoding would have fed the same tokens, so the
    position is the same as decoding token by token would give, for a tenth of the time.
    """
    decoder.reset()
    logits = decoder.step((*prompt.tokens, *prompt.answer[:-1]), last=len(prompt.answer))
    different = np.flatnonzero(logits.argmax(axis=1) != np.array(prompt.answer))
    return (int(different[0]) if len(different) else None), reference_logits(logits[0], [entry.token for entry in prompt.logits])


def reference_logits(logits: NDArray[np.float32], tokens: Sequence[int]) -> tuple[float, ...]:
    """The logits [vocabulary] at `tokens`, as the manifest states them."""
    return tuple(round(float(logits[token]), 4) for token in tokens)


def fidelity_of(measured: Measured, original: Original, reference: Reference) -> Fidelity:
    """The manifest's figures, to six digits: what further digits say depends on the machine."""
    index = next(p for p in range(len(original.prompts)) if original.prompts[p].tokens == reference.prompt_tokens)
    pairs = zip(measured.prompt_logits[index], reference.logits, strict=True)
    kl = np.array(measured.kl)
    errors = [abs(logit - entry.logit) for logit, entry in pairs]
    return Fidelity(
        tokens_compared=len(kl),
        top1_agreement=_digits(measured.agreements / len(kl)),
        mean_kl=_digits(float(kl.mean())),
        p99_kl=_digits(float(np.quantile(kl, 0.99))),
        perplexity_ratio=_digits(float(np.exp((measured.nll_variant - measured.nll_original) / measured.predicted))),
        greedy_prompts=len(measured.divergences),
        greedy_prompts_equal=measured.divergences.count(None),
        max_reference_logit_error=_digits(measured.output_errors[index] if measured.output_errors else max(errors, default=0.0)),
    )


def _digits(value: float) -> float:
    return float(f"{value:.6g}")


def choose_reference(original: Original, measured: Mapping[str, Measured]) -> tuple[int, Reference]:
    """The prompt (its index too) on which PyTorch and all variants agree longest; a long prompt where one will do.

    What differs there in a browser is a fault of its GPU.

    Raises: VerifyError where the variants agree on no token: one of them is not this model.
    """

    def agreed(index: int) -> int:
        answered = len(original.prompts[index].answer)
        ends = (each.divergences[index] for each in measured.values())
        return min([answered if end is None else end for end in ends] + [REFERENCE_TOKENS])

    def worth(index: int) -> tuple[bool, int]:
        is_long = len(original.prompts[index].tokens) >= LONG_PROMPT_TOKENS
        return is_long and agreed(index) >= ENOUGH_REFERENCE_TOKENS, agreed(index)

    best = max(range(len(original.prompts)), key=worth)
    if agreed(best) == 0:
        raise VerifyError(
            "The exported graphs do not continue any test prompt as the PyTorch original does. The export is wrong and was "
            "not installed; please report the model's name."
        )
    prompt = original.prompts[best]
    return best, Reference(prompt_tokens=prompt.tokens, tokens=prompt.answer[: agreed(best)], logits=prompt.logits)
