"""Is the bundle the model? Each variant's graph against the PyTorch float32 original.

The measure is KL(original ‖ variant) in nats and the share of positions with the same most likely token, on prose in
windows of 512 tokens; perplexity ratio = exp(mean NLL of the variant - mean NLL of the original) over the same tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from slm_export.checkpoint import Checkpoint
from slm_export.errors import VerifyError
from slm_export.manifest import Fidelity, Reference, ReferenceLogit
from slm_export.ort_decoder import OrtDecoder
from slm_export.progress import Reporter

WINDOW_TOKENS = 512
GREEDY_TOKENS = 16
REFERENCE_TOKENS = 8
REFERENCE_LOGITS = 8
RAW_PROMPTS = ("1, 2, 3, 4, 5, 6,", "The capital of France is", "Once upon a time, there was a", "Monday, Tuesday, Wednesday,")
CHAT_PROMPTS = ("What is the capital of France?", "Name three primary colors.", "Write one sentence about the sea.")


@dataclass(slots=True)
class _Tally:
    """Sums over positions of one variant."""

    kl: list[torch.Tensor] = field(default_factory=list)
    agreements: int = 0
    nll_difference: float = 0.0
    predicted: int = 0

    def add(self, original: torch.Tensor, variant: torch.Tensor, tokens: Sequence[int]) -> None:
        """Both are log-probabilities float32 [T, vocabulary] of the positions of `tokens`."""
        self.kl.append(functional.kl_div(variant, original, reduction="none", log_target=True).sum(dim=1))
        self.agreements += int((original.argmax(dim=1) == variant.argmax(dim=1)).sum())
        following = torch.tensor(tokens[1:])[:, None]
        self.nll_difference += float((original[:-1].gather(1, following) - variant[:-1].gather(1, following)).sum())
        self.predicted += len(following)


def measure(checkpoint: Checkpoint, graphs: Mapping[str, Path], reporter: Reporter) -> tuple[dict[str, Fidelity], Reference]:
    """Compare every graph (by variant name) with the checkpoint's PyTorch model.

    Raises: VerifyError where the variants agree on no reference token: one of them is not this model.
    """
    decoders = {name: OrtDecoder(path) for name, path in graphs.items()}
    tokens = checkpoint.tokenizer(prose())["input_ids"]
    tallies = {name: _Tally() for name in decoders}
    for start in range(0, len(tokens), WINDOW_TOKENS):
        reporter.say(f"  prose: {start:,} of {len(tokens):,} tokens compared")
        window = tokens[start : start + WINDOW_TOKENS]
        if len(window) < 2:
            break
        original = functional.log_softmax(_torch_logits(checkpoint.model, window), dim=1)
        for name, decoder in decoders.items():
            decoder.reset()
            logits = torch.from_numpy(decoder.step(window, all_positions=True))
            tallies[name].add(original, functional.log_softmax(logits, dim=1), window)
    prompts = _prompts(checkpoint)
    reporter.say(f"  greedy answers to {len(prompts)} prompts")
    expected = [_torch_greedy(checkpoint.model, prompt) for prompt in prompts]
    found = {name: [decoder.greedy(prompt, GREEDY_TOKENS) for prompt in prompts] for name, decoder in decoders.items()}
    reference = _choose_reference(checkpoint.model, prompts, expected, found)
    return {name: _fidelity(tallies[name], expected, found[name], decoders[name], reference) for name in decoders}, reference


def prose() -> str:
    """The text that every export is measured on (public domain, see data/README.md)."""
    return (files("slm_export") / "data" / "prose.txt").read_text(encoding="utf-8")


def _prompts(checkpoint: Checkpoint) -> list[list[int]]:
    tokenizer = checkpoint.tokenizer
    prompts = [tokenizer(text)["input_ids"] for text in RAW_PROMPTS]
    if checkpoint.chat_template:
        for text in CHAT_PROMPTS:
            messages = [{"role": "user", "content": text}]
            ids = tokenizer.apply_chat_template(
                messages, chat_template=checkpoint.chat_template, add_generation_prompt=True, return_dict=False
            )
            prompts.append(ids)
    return prompts


def _fidelity(
    tally: _Tally, expected: list[tuple[int, ...]], found: list[tuple[int, ...]], decoder: OrtDecoder, reference: Reference
) -> Fidelity:
    kl = torch.cat(tally.kl).numpy()
    decoder.reset()
    logits = decoder.step(reference.prompt_tokens)[-1]
    return Fidelity(
        tokens_compared=len(kl),
        top1_agreement=tally.agreements / len(kl),
        mean_kl=max(float(kl.mean()), 0.0),
        p99_kl=max(float(np.quantile(kl, 0.99)), 0.0),
        perplexity_ratio=float(np.exp(tally.nll_difference / tally.predicted)),
        greedy_prompts=len(expected),
        greedy_prompts_equal=sum(a == b for a, b in zip(expected, found, strict=True)),
        max_reference_logit_error=max(abs(float(logits[entry.token]) - entry.logit) for entry in reference.logits),
    )


def _choose_reference(
    model: Any, prompts: list[list[int]], expected: list[tuple[int, ...]], found: Mapping[str, list[tuple[int, ...]]]
) -> Reference:
    """The prompt on which PyTorch and all variants agree longest: what differs there in a browser is a fault of its GPU."""

    def agreed(index: int) -> int:
        columns = zip(expected[index], *(answers[index] for answers in found.values()), strict=True)
        count = 0
        for column in columns:
            if len(set(column)) > 1:
                break
            count += 1
        return min(count, REFERENCE_TOKENS)

    best = max(range(len(prompts)), key=agreed)
    if agreed(best) == 0:
        raise VerifyError(
            "The exported graphs do not continue any test prompt as the PyTorch original does. The export is wrong and was "
            "not installed; please report the model's name."
        )
    top = _torch_logits(model, prompts[best])[-1].topk(REFERENCE_LOGITS)
    return Reference(
        prompt_tokens=tuple(prompts[best]),
        tokens=expected[best][: agreed(best)],
        logits=tuple(ReferenceLogit(int(token), round(float(logit), 4)) for logit, token in zip(*top, strict=True)),
    )


@torch.inference_mode()
def _torch_logits(model: Any, tokens: Sequence[int]) -> torch.Tensor:
    """float32 [T, vocabulary]."""
    logits: torch.Tensor = model(torch.tensor([tokens])).logits[0]
    return logits


@torch.inference_mode()
def _torch_greedy(model: Any, prompt: Sequence[int]) -> tuple[int, ...]:
    """GREEDY_TOKENS tokens; a plain loop, so that no generation setting of the checkpoint interferes."""
    state, tokens = None, torch.tensor([prompt])
    answer: list[int] = []
    for _ in range(GREEDY_TOKENS):
        output = model(tokens, past_key_values=state, use_cache=True)
        state = output.past_key_values
        tokens = output.logits[:, -1:].argmax(dim=-1)
        answer.append(int(tokens[0, 0]))
    return tuple(answer)
