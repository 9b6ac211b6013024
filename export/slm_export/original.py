"""The PyTorch pass of verification: what the original says, written to disk once, so that the model can go.

    log_probs.f32    float32 [tokens, vocabulary], row-major: log-probabilities after each token of the text
    original.json    the tokens, and per test prompt the greedy answer and the largest logits

Exact KL needs every logit: the file takes 4 × vocabulary bytes per token of text (433 MB for SmolLM2-135M).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from slm_export.checkpoint import Checkpoint
from slm_export.families import context_length
from slm_export.manifest import ReferenceLogit
from slm_export.memory import return_freed_memory
from slm_export.progress import Reporter

WINDOW_TOKENS = 512
CHUNK_TOKENS = 128  # as many logit rows at a time as memory should hold; the browser prefills in chunks of this size too
GREEDY_TOKENS = 16
REFERENCE_LOGITS = 8
PROSE_NAME = "built-in prose"
RAW_PROMPTS = (
    ", ".join(map(str, range(1, 31))) + ",",
    "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, " * 6 + "Monday, Tuesday,",
    "The capital of France is",
    "Once upon a time, there was a",
)
PROSE_PROMPT_TOKENS = 96
CHAT_PROMPTS = ("What is the capital of France?", "Name three primary colors.", "Write one sentence about the sea.")


@dataclass(frozen=True, slots=True)
class PromptAnswer:
    """A test prompt and what PyTorch makes of it: greedy `answer`, largest `logits` of the first answered position."""

    tokens: tuple[int, ...]
    answer: tuple[int, ...]
    logits: tuple[ReferenceLogit, ...]


@dataclass(frozen=True, slots=True)
class Original:
    """The finished pass in `folder`. `window_tokens` is how much of the text the model sees at once.

    `tokens` is the text of a decoder, an encoder-decoder's answers to `prompts` one after the other (verify_seq2seq.py), an
    encoder's sentences, which are `prompts` without answers and have outputs instead of log-probabilities (verify_encoder.py).
    """

    folder: Path
    text_name: str
    text_sha256: str
    tokens: tuple[int, ...]
    window_tokens: int
    vocab_size: int
    prompts: tuple[PromptAnswer, ...]

    def windows(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """(index of its first token, tokens) of each window; one token alone predicts nothing and is left out."""
        for start in range(0, len(self.tokens), self.window_tokens):
            window = self.tokens[start : start + self.window_tokens]
            if len(window) > 1:
                yield start, window

    def log_probs(self, start: int, count: int) -> NDArray[np.float32]:
        """float32 [count, vocabulary] from token `start` on: read, not mapped, so that no other rows stay in memory."""
        rows = np.fromfile(self.folder / "log_probs.f32", np.float32, count * self.vocab_size, offset=4 * start * self.vocab_size)
        return rows.reshape(count, self.vocab_size)


def prose() -> str:
    """The text that every export is measured on (public domain, see data/README.md)."""
    return (files("slm_export") / "data" / "prose.txt").read_text(encoding="utf-8")


def run_original(checkpoint: Checkpoint, folder: Path, reporter: Reporter, *, text: str, text_name: str) -> Original:
    """Run the PyTorch model over `text` and the test prompts; results go to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    model = checkpoint.load_model()
    context = context_length(checkpoint.config)
    tokens = tuple(int(token) for token in checkpoint.tokenizer(text)["input_ids"])
    prompts = prompt_tokens(checkpoint, tokens, context)
    vocab_size = int(_torch_logits(model, prompts[0]).shape[1])
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    original = Original(folder, text_name, sha256, tokens, min(WINDOW_TOKENS, context), vocab_size, ())
    _write_log_probs(model, original, reporter)
    answers = tuple(_answer(model, prompt) for prompt in prompts)
    del model
    return_freed_memory()
    original = dataclasses.replace(original, prompts=answers)
    write_original(original)
    return original


def write_original(original: Original) -> None:
    """All but the log-probabilities, into the folder of the pass."""
    fields = {key: value for key, value in dataclasses.asdict(original).items() if key != "folder"}
    (original.folder / "original.json").write_text(json.dumps(fields), encoding="utf-8")


def _write_log_probs(model: Any, original: Original, reporter: Reporter) -> None:
    say = reporter.paced()
    with (original.folder / "log_probs.f32").open("wb") as file:
        for start, window in original.windows():
            say(f"  {original.text_name}: {start:,} of {len(original.tokens):,} tokens")
            logits = _torch_logits(model, window)
            for row in range(0, len(window), CHUNK_TOKENS):
                torch.log_softmax(logits[row : row + CHUNK_TOKENS], dim=1).numpy().tofile(file)


def open_original(folder: Path) -> Original:
    """The pass that was written to `folder` before."""
    fields = json.loads((folder / "original.json").read_text(encoding="utf-8"))
    fields["tokens"] = tuple(fields["tokens"])
    fields["prompts"] = tuple(
        PromptAnswer(
            tuple(prompt["tokens"]), tuple(prompt["answer"]), tuple(ReferenceLogit(**entry) for entry in prompt["logits"])
        )
        for prompt in fields["prompts"]
    )
    return Original(folder=folder, **fields)


def prompt_tokens(checkpoint: Checkpoint, text_tokens: Sequence[int], context: int) -> list[list[int]]:
    """Token ids of every test prompt, short enough that the answer fits into the context as well."""
    tokenizer = checkpoint.tokenizer
    prompts = [tokenizer(text)["input_ids"] for text in RAW_PROMPTS]
    prompts.append(list(text_tokens[:PROSE_PROMPT_TOKENS]))
    if checkpoint.chat_template:
        for text in CHAT_PROMPTS:
            messages = [{"role": "user", "content": text}]
            ids = tokenizer.apply_chat_template(
                messages, chat_template=checkpoint.chat_template, add_generation_prompt=True, return_dict=False
            )
            prompts.append(ids)
    room = max(context - GREEDY_TOKENS, 1)
    return [list(map(int, prompt[:room])) for prompt in prompts if prompt]


def _answer(model: Any, prompt: Sequence[int]) -> PromptAnswer:
    logits, answer = _torch_greedy(model, prompt)
    values, tokens = logits.topk(min(REFERENCE_LOGITS, len(logits)))
    top = tuple(ReferenceLogit(int(token), round(float(logit), 4)) for logit, token in zip(values, tokens, strict=True))
    return PromptAnswer(tuple(prompt), answer, top)


@torch.inference_mode()
def _torch_logits(model: Any, tokens: Sequence[int]) -> torch.Tensor:
    """float32 [T, vocabulary]."""
    logits: torch.Tensor = model(torch.tensor([list(tokens)]), use_cache=False).logits[0]
    return logits


@torch.inference_mode()
def _torch_greedy(model: Any, prompt: Sequence[int]) -> tuple[torch.Tensor, tuple[int, ...]]:
    """First logits [vocabulary] and GREEDY_TOKENS tokens; a plain loop: no generation setting of the checkpoint interferes."""
    state, tokens = None, torch.tensor([list(prompt)])
    first: torch.Tensor | None = None
    answer: list[int] = []
    for _ in range(GREEDY_TOKENS):
        output = model(tokens, past_key_values=state, use_cache=True)
        state = output.past_key_values
        if first is None:
            first = output.logits[0, -1].clone()
        tokens = output.logits[:, -1:].argmax(dim=-1)
        answer.append(int(tokens[0, 0]))
    assert first is not None
    return first, tuple(answer)
