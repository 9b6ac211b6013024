"""Examples as tokens, exactly as the engine will see them: the rendered prompt, then the answer up to the end of its turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from slm_export.errors import SourceError
from slm_export.finetune.examples import Example


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids. `answer` ends with the token that ends a turn."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


class Encoder:
    """Renders and tokenises examples with a tokenizer (transformers.PreTrainedTokenizerFast) and a chat template."""

    def __init__(self, tokenizer: Any, template: str, ends: Sequence[int]) -> None:
        self._tokenizer, self._template, self._ends = tokenizer, template, frozenset(ends)

    def encode(self, example: Example) -> Encoded:
        """Raises: SourceError where the template does not put the answer behind the prompt, or nothing ends it."""
        prompt = self._render(example.messages, prompted=True)
        whole = self._render((*example.messages, {"role": "assistant", "content": example.answer}), prompted=False)
        if not whole.startswith(prompt):
            raise SourceError(
                "The chat template renders a conversation with an answer otherwise than its prompt followed by the answer, so it "
                "cannot be trained on. Give another with --chat-template NAME or FILE."
            )
        answer = self._tokens(whole[len(prompt) :])
        last = next((at for at in range(len(answer) - 1, -1, -1) if answer[at] in self._ends), None)
        if last is None:
            if not self._ends:
                raise SourceError("The tokenizer names no token that ends a turn, so an answer would never end.")
            answer, last = (*answer, min(self._ends)), len(answer)
        return Encoded(self._tokens(prompt), answer[: last + 1])

    def encode_all(self, examples: Iterable[Example], max_tokens: int) -> tuple[list[Encoded], int]:
        """Those of at most `max_tokens` tokens, and how many were longer."""
        encoded = [self.encode(example) for example in examples]
        kept = [each for each in encoded if len(each) <= max_tokens]
        return kept, len(encoded) - len(kept)

    def _render(self, messages: Sequence[Any], *, prompted: bool) -> str:
        rendered = self._tokenizer.apply_chat_template(
            list(messages), chat_template=self._template, tokenize=False, add_generation_prompt=prompted
        )
        return str(rendered)

    def _tokens(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])
