"""Is an encoder-decoder bundle the model? Each variant against PyTorch, on the original's own greedy answers to prose.

The answers come from PyTorch; every variant then reads the same answer (teacher forcing), and the logits at each position
are compared: KL(original ‖ variant), same most likely token, perplexity ratio over the answers' tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from slm_export.errors import VerifyError
from slm_export.manifest import Fidelity, Reference, ReferenceLogit
from slm_export.original import prose
from slm_export.ort_transformer import OrtSeq2Seq
from slm_export.pretrained import Pretrained
from slm_export.progress import Reporter

TEXTS = 24
TEXT_CHARACTERS = 240
GREEDY_TOKENS = 24
REFERENCE_TOKENS = 8
REFERENCE_LOGITS = 8


def measure_seq2seq(
    source: Pretrained, folders: Mapping[str, Path], start: Sequence[int], prefixes: Sequence[str], reporter: Reporter
) -> tuple[dict[str, Fidelity], Reference]:
    """Compare every variant folder with PyTorch; `start` are the tokens that an answer begins with.

    Raises: VerifyError where the variants agree with PyTorch on no answer's first token.
    """
    ends = end_tokens(source)
    prompts = [list(source.tokenizer(text)["input_ids"]) for text in _texts(prefixes)]
    reporter.say(f"  greedy answers of PyTorch to {len(prompts)} texts")
    expected = [_torch_greedy(source.model, prompt, start, ends) for prompt in prompts]
    originals = [
        _torch_logits(source.model, prompt, [*start, *answer[:-1]])[len(start) - 1 :]
        for prompt, answer in zip(prompts, expected, strict=True)
    ]
    runners = {name: OrtSeq2Seq(folder) for name, folder in folders.items()}
    found = {name: [runner.greedy(prompt, start, GREEDY_TOKENS, ends) for prompt in prompts] for name, runner in runners.items()}
    reference = _choose_reference(prompts, expected, originals, found)
    fidelities = {}
    for name, runner in runners.items():
        reporter.say(f"  {name}: {sum(map(len, expected)):,} tokens compared")
        rows = [_forced(runner, prompt, start, answer) for prompt, answer in zip(prompts, expected, strict=True)]
        fidelities[name] = _fidelity(originals, rows, expected, found[name], reference, runner, start)
    return fidelities, reference


def end_tokens(source: Pretrained) -> tuple[int, ...]:
    """Every token that ends an answer: the tokenizer's and the generation config's."""
    stated = source.model.generation_config.eos_token_id
    ends = {source.tokenizer.eos_token_id, *(stated if isinstance(stated, list) else [stated])}
    return tuple(sorted(ends - {None}))


def _texts(prefixes: Sequence[str]) -> list[str]:
    """Pieces of the exporter's prose, behind the model's task prefixes in turn."""
    words = re.sub(r"\s+", " ", prose())
    pieces = [words[index * TEXT_CHARACTERS : (index + 1) * TEXT_CHARACTERS].strip() for index in range(TEXTS)]
    before = prefixes or [""]
    return [before[index % len(before)] + piece for index, piece in enumerate(pieces)]


def _forced(runner: OrtSeq2Seq, prompt: Sequence[int], start: Sequence[int], answer: Sequence[int]) -> torch.Tensor:
    runner.encode(prompt)
    first = runner.step(start)[-1:]
    # Token by token, as the browser does: the cache is part of what is compared.
    rows = [first, *(runner.step([token]) for token in answer[:-1])]
    return torch.from_numpy(np.concatenate(rows))


def _fidelity(
    originals: Sequence[torch.Tensor], rows: Sequence[torch.Tensor], expected: Sequence[tuple[int, ...]],
    found: Sequence[tuple[int, ...]], reference: Reference, runner: OrtSeq2Seq, start: Sequence[int],
) -> Fidelity:  # fmt: skip
    original = functional.log_softmax(torch.cat(list(originals)), dim=1)
    variant = functional.log_softmax(torch.cat(list(rows)), dim=1)
    kl = functional.kl_div(variant, original, reduction="none", log_target=True).sum(dim=1).numpy()
    answers = torch.tensor([token for answer in expected for token in answer])[:, None]
    difference = float((original.gather(1, answers) - variant.gather(1, answers)).mean())
    runner.encode(reference.prompt_tokens)
    logits = runner.step(start)[-1]
    return Fidelity(
        tokens_compared=len(kl),
        top1_agreement=float((original.argmax(dim=1) == variant.argmax(dim=1)).float().mean()),
        mean_kl=max(float(kl.mean()), 0.0),
        p99_kl=max(float(np.quantile(kl, 0.99)), 0.0),
        perplexity_ratio=float(np.exp(difference)),
        greedy_prompts=len(expected),
        greedy_prompts_equal=sum(a == b for a, b in zip(expected, found, strict=True)),
        max_reference_logit_error=max(abs(float(logits[entry.token]) - entry.logit) for entry in reference.logits),
    )


def _choose_reference(
    prompts: Sequence[Sequence[int]], expected: Sequence[tuple[int, ...]], originals: Sequence[torch.Tensor],
    found: Mapping[str, Sequence[tuple[int, ...]]],
) -> Reference:  # fmt: skip
    """The text on which PyTorch and all variants agree longest."""

    def agreed(index: int) -> int:
        columns = zip(expected[index], *(answers[index] for answers in found.values()), strict=False)
        count = 0
        for column in columns:
            if len(set(column)) > 1:
                break
            count += 1
        return min(count, REFERENCE_TOKENS)

    best = max(range(len(prompts)), key=agreed)
    if agreed(best) == 0:
        raise VerifyError(
            "The exported graphs do not answer any test text as the PyTorch original does. The export is wrong and was "
            "not installed; please report the model's name."
        )
    top = originals[best][0].topk(REFERENCE_LOGITS)
    return Reference(
        prompt_tokens=tuple(prompts[best]),
        tokens=expected[best][: agreed(best)],
        logits=tuple(ReferenceLogit(int(token), round(float(logit), 4)) for logit, token in zip(*top, strict=True)),
    )


@torch.inference_mode()
def _torch_logits(model: Any, prompt: Sequence[int], answer: Sequence[int]) -> torch.Tensor:
    """float32 [len(answer), vocabulary]."""
    logits: torch.Tensor = model(input_ids=torch.tensor([prompt]), decoder_input_ids=torch.tensor([answer])).logits[0]
    return logits


@torch.inference_mode()
def _torch_greedy(model: Any, prompt: Sequence[int], start: Sequence[int], ends: Sequence[int]) -> tuple[int, ...]:
    """A plain loop, so that no generation setting of the checkpoint (beams, repetition rules) interferes."""
    encoded = model.get_encoder()(input_ids=torch.tensor([prompt]))
    state, tokens = None, torch.tensor([list(start)])
    answer: list[int] = []
    while len(answer) < GREEDY_TOKENS and not (answer and answer[-1] in ends):
        output = model(encoder_outputs=encoded, decoder_input_ids=tokens, past_key_values=state, use_cache=True)
        state = output.past_key_values
        tokens = output.logits[:, -1:].argmax(dim=-1)
        answer.append(int(tokens[0, 0]))
    return tuple(answer)
