"""What corrects sentences: a PyTorch model with an adapter, a bundle's graph in native ONNX Runtime, the rules of Harper.

Both models answer greedily and say how likely they find an answer. The graph takes the sentence as a draft of its answer
("aggressive decoding", https://arxiv.org/abs/2106.04970): one pass tells how much of it greedy decoding would have said.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from slm_export.errors import SourceError
from slm_export.finetune.batches import IGNORED, collate, plan
from slm_export.finetune.encode import Encoded, Encoder
from slm_export.finetune.examples import Example
from slm_export.finetune.model import answer_logits
from slm_export.ort_decoder import OrtDecoder

_BATCH_TOKENS = 1500
_REJOIN_WITHIN = 8  # tokens of the sentence that are looked at for the place where an answer meets it again


class Corrector(Protocol):
    """`answers` to sentences, and the log-probability of (sentence, answer) pairs, the end of the turn included, in nats."""

    name: str
    seconds: list[float]  # what each sentence took, where that was measured one by one

    def answers(self, sentences: Sequence[str]) -> list[str]: ...

    def scores(self, pairs: Sequence[tuple[str, str]]) -> list[float]: ...


@dataclass(slots=True)
class Asker:
    """Sentences as prompts and answers as tokens."""

    encoder: Encoder
    tokenizer: Any
    user: str  # the user's turn, {text} in it for the sentence

    def encode(self, sentence: str, answer: str) -> Encoded:
        """The prompt for a sentence, and an answer with its end."""
        message = {"role": "user", "content": self.user.replace("{text}", sentence)}
        return self.encoder.encode(Example((message,), answer))

    def text(self, tokens: Sequence[int]) -> str:
        """An answer as text, on one line."""
        return " ".join(str(self.tokenizer.decode(list(tokens), skip_special_tokens=True)).split())


def most_tokens(encoded: Encoded) -> int:
    """Where an answer is cut: the sentence's own tokens × 1.3 + 10."""
    return int(len(encoded.answer) * 1.3) + 10


@dataclass(slots=True)
class TorchCorrector:
    """A transformers model, float32, batches of like length."""

    model: Any
    asker: Asker
    name: str = "PyTorch"
    seconds: list[float] = field(default_factory=list)

    @torch.inference_mode()
    def answers(self, sentences: Sequence[str]) -> list[str]:
        encoded = [self.asker.encode(sentence, sentence) for sentence in sentences]
        found = [""] * len(sentences)
        for indices in plan([len(each) for each in encoded], _BATCH_TOKENS, seed=0):
            prompts = collate([Encoded(encoded[at].prompt, ()) for at in indices], pad=0)
            output = self.model.generate(
                input_ids=prompts.tokens,
                attention_mask=prompts.mask,
                do_sample=False,
                max_new_tokens=max(most_tokens(encoded[at]) for at in indices),
                pad_token_id=self.asker.tokenizer.pad_token_id or 0,
            )
            for at, row in zip(indices, output[:, prompts.tokens.shape[1] :].tolist(), strict=True):
                found[at] = self.asker.text(row)
        return found

    @torch.inference_mode()
    def scores(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        encoded = [self.asker.encode(*pair) for pair in pairs]
        found = [0.0] * len(pairs)
        for indices in plan([len(each) for each in encoded], _BATCH_TOKENS, seed=0):
            batch = collate([encoded[at] for at in indices], pad=0)
            logs = answer_logits(self.model, batch).log_softmax(-1)
            own = logs.gather(-1, batch.answers.clamp_min(0)[..., None])[..., 0]
            totals = own.masked_fill(batch.answers == IGNORED, 0.0).sum(-1).tolist()
            for at, total in zip(indices, totals, strict=True):
                found[at] = float(total)
        return found


@dataclass(slots=True)
class BundleCorrector:
    """A bundle's CPU graph, one sentence at a time."""

    decoder: OrtDecoder
    asker: Asker
    name: str
    seconds: list[float] = field(default_factory=list)
    passes: int = 0
    tokens: int = 0

    def answers(self, sentences: Sequence[str]) -> list[str]:
        found = []
        for sentence in sentences:
            began = time.perf_counter()
            found.append(self._answer(self.asker.encode(sentence, sentence)))
            self.seconds.append(time.perf_counter() - began)
        return found

    def scores(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [self._score(self.asker.encode(*pair)) for pair in pairs]

    def _score(self, encoded: Encoded) -> float:
        self.decoder.reset()
        logits = self.decoder.step((*encoded.prompt, *encoded.answer[:-1]), last=len(encoded.answer))
        highest = logits.max(axis=1, keepdims=True)
        normal = np.log(np.exp(logits - highest).sum(axis=1)) + highest[:, 0]
        return float((logits[np.arange(len(encoded.answer)), encoded.answer] - normal).sum())

    def _answer(self, encoded: Encoded) -> str:
        """Greedy, with what is left of the sentence as the draft of what follows; the same tokens as without it."""
        sentence, end, most = encoded.answer, encoded.answer[-1], most_tokens(encoded)
        self.decoder.reset()
        said: list[int] = []
        known, draft, place = encoded.prompt, sentence, 0
        while len(said) < most:
            start = self.decoder.length + len(known)
            logits = self.decoder.step((*known, *draft[:-1]), last=max(len(draft), 1))
            self.passes += 1
            best = logits.argmax(axis=1).tolist()
            agreed = next((at for at, token in enumerate(draft) if token != best[at]), len(draft))
            fresh = best[: agreed + 1]
            said += fresh
            self.tokens += len(fresh)
            if end in fresh:
                break
            _truncate(self.decoder, start + len(fresh) - 1)
            known = (fresh[-1],)
            place = _rejoin(sentence, place + agreed, fresh[-1])
            draft = sentence[place:] if place < len(sentence) else ()
            place = min(place, len(sentence))
        return self.asker.text(said[:most])


def _rejoin(sentence: Sequence[int], place: int, token: int) -> int:
    """The place of the sentence that follows `token`: behind its next occurrence, else behind the word it stands for."""
    near = sentence[place : place + _REJOIN_WITHIN]
    return place + near.index(token) + 1 if token in near else place + 1


def _truncate(decoder: OrtDecoder, length: int) -> None:
    decoder.cache = {name: value[:, :, :length] for name, value in decoder.cache.items()}
    decoder.length = length


def harper(sentences: Sequence[str], modules: Path) -> tuple[list[str], list[float]]:
    """Harper's corrections, first suggestion of every lint, and seconds of each sentence. `modules`: node_modules with harper.js.

    Raises: SourceError where node or harper.js is missing.
    """
    script = Path(str(files("slm_export") / "eval" / "harper.mjs"))
    try:
        done = subprocess.run(
            ["node", str(script), str(modules.resolve())],
            input=json.dumps(list(sentences)),
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError as error:
        raise SourceError("--harper needs Node.js (https://nodejs.org), and node was not found.") from error
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise SourceError(
            f"Harper did not run: {reason}. Install it with `npm install harper.js`, and give node_modules."
        ) from error
    result = json.loads(done.stdout)
    return list(result["texts"]), list(result["seconds"])
