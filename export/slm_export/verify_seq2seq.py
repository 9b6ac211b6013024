"""Is an encoder-decoder bundle the model? Each variant against PyTorch, on the original's own greedy answers to a text.

The answers come from PyTorch; every variant then reads the same answer (teacher forcing), and the logits at each position
are compared: KL(original ‖ variant), same most likely token, perplexity ratio over the answers' tokens.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from slm_export.errors import VerifyError
from slm_export.kv_check import kv_equality
from slm_export.manifest import ReferenceLogit
from slm_export.original import REFERENCE_LOGITS, Original, PromptAnswer, write_original
from slm_export.ort_transformer import OrtSeq2Seq
from slm_export.progress import Reporter
from slm_export.verify import Measured, reference_logits, require_finite

TEXTS = 24
TEXT_CHARACTERS = 240
GREEDY_TOKENS = 24


@dataclass(frozen=True, slots=True)
class Answering:
    """A PyTorch model, the tokens that its answers begin with, and those that end them."""

    model: Any
    start: tuple[int, ...]
    ends: tuple[int, ...]

    @torch.inference_mode()
    def logits(self, prompt: Sequence[int], answer: Sequence[int]) -> torch.Tensor:
        """float32 [len(answer), vocabulary]: what comes at each position of an answer."""
        following = torch.tensor([[*self.start, *answer[:-1]]])
        rows: torch.Tensor = self.model(input_ids=torch.tensor([list(prompt)]), decoder_input_ids=following).logits[0]
        return rows[len(self.start) - 1 :]

    @torch.inference_mode()
    def greedy(self, prompt: Sequence[int]) -> tuple[int, ...]:
        """A plain loop, so that no generation setting of the checkpoint (beams, repetition rules) interferes."""
        encoded = self.model.get_encoder()(input_ids=torch.tensor([list(prompt)]))
        state, tokens = None, torch.tensor([list(self.start)])
        answer: list[int] = []
        while len(answer) < GREEDY_TOKENS and not (answer and answer[-1] in self.ends):
            output = self.model(encoder_outputs=encoded, decoder_input_ids=tokens, past_key_values=state, use_cache=True)
            state = output.past_key_values
            tokens = output.logits[:, -1:].argmax(dim=-1)
            answer.append(int(tokens[0, 0]))
        return tuple(answer)


def prompts(tokenizer: Any, prefixes: Sequence[str], max_tokens: int, text: str, text_name: str) -> list[tuple[int, ...]]:
    """Token ids of pieces of `text`, behind the model's task prefixes in turn.

    Raises: VerifyError for a text without a word.
    """
    words = re.sub(r"\s+", " ", text).strip()
    pieces = [words[start : start + TEXT_CHARACTERS].strip() for start in range(0, len(words), TEXT_CHARACTERS)][:TEXTS]
    if not pieces:
        raise VerifyError(f"{text_name} has no word in it. Give a longer text.")
    before = prefixes or [""]
    texts = [before[index % len(before)] + piece for index, piece in enumerate(pieces)]
    return [tuple(tokenizer(each, truncation=True, max_length=max_tokens)["input_ids"]) for each in texts]


def run_original(
    answering: Answering, asked: Sequence[tuple[int, ...]], folder: Path, reporter: Reporter, *, text: str, text_name: str
) -> Original:
    """PyTorch's greedy answers to the prompts `asked`, and its log-probabilities along them, one answer after the other."""
    folder.mkdir(parents=True, exist_ok=True)
    say = reporter.paced()
    found: list[PromptAnswer] = []
    with (folder / "log_probs.f32").open("wb") as file:
        for prompt in asked:
            say(f"  {text_name}: {len(found)} of {len(asked)} texts")
            answer = answering.greedy(prompt)
            logits = answering.logits(prompt, answer)
            torch.log_softmax(logits, dim=1).numpy().tofile(file)
            top = zip(*logits[0].topk(min(REFERENCE_LOGITS, logits.shape[1])), strict=True)
            entries = tuple(ReferenceLogit(int(token), round(float(logit), 4)) for logit, token in top)
            found.append(PromptAnswer(prompt, answer, entries))
    tokens = tuple(token for each in found for token in each.answer)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    original = Original(folder, text_name, sha256, tokens, GREEDY_TOKENS, int(logits.shape[1]), tuple(found))
    write_original(original)
    return original


def measure(folder: Path, start: Sequence[int], original: Original, reporter: Reporter) -> Measured:
    """Let the variant in `folder` read every answer of the PyTorch pass, token by token as the browser does.

    Raises: VerifyError where it gives numbers that are not finite.
    """
    runner = OrtSeq2Seq(folder)
    kl: list[float] = []
    agreements, nll, place = 0, np.zeros(2), 0
    divergences: list[int | None] = []
    logits: list[tuple[float, ...]] = []
    say = reporter.paced()
    for prompt in original.prompts:
        say(f"  {original.text_name}: {place:,} of {len(original.tokens):,} answered tokens")
        rows = _forced(runner, prompt, start)
        variant = torch.log_softmax(rows, dim=1)
        expected = torch.from_numpy(original.log_probs(place, len(prompt.answer)))
        place += len(prompt.answer)
        kl += functional.kl_div(variant, expected, reduction="none", log_target=True).sum(dim=1).tolist()
        best = variant.argmax(dim=1)
        agreements += int((expected.argmax(dim=1) == best).sum())
        answer = torch.tensor(prompt.answer)
        for index, chances in enumerate((expected, variant)):
            nll[index] -= float(chances.gather(1, answer[:, None]).sum(dtype=torch.float64))
        different = torch.nonzero(best != answer)
        divergences.append(int(different[0]) if len(different) else None)
        logits.append(reference_logits(rows[0].numpy(), [entry.token for entry in prompt.logits]))
    require_finite(folder.name, [*kl, *nll])
    kl = [max(value, 0.0) for value in kl]
    kv = kv_equality(runner, (*start, *original.tokens))  # an answer to the last prompt
    return Measured(tuple(kl), agreements, float(nll[0]), float(nll[1]), len(kl), tuple(divergences), tuple(logits), kv)


def _forced(runner: OrtSeq2Seq, prompt: PromptAnswer, start: Sequence[int]) -> torch.Tensor:
    """float32 [len(answer), vocabulary]."""
    runner.encode(prompt.tokens)
    first = runner.step(start, all_positions=False)
    # Token by token, as the browser does: the cache is part of what is compared.
    return torch.from_numpy(np.concatenate([first, *(runner.step([token]) for token in prompt.answer[:-1])]))
