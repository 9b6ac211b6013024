"""What a manifest says of its model: tokens, prompts, sampling, shapes that the engine must know. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from slm_export.json_fields import Amount, Count, Positive, SafePath, Text, TextTemplate, one_of


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Token ids. Generation ends at any of `eos`; `bos` is put in front of a raw prompt only where `add_bos` says so."""

    bos: Count | None
    eos: tuple[Count, ...]
    pad: Count | None
    add_bos: bool


@dataclass(frozen=True, slots=True)
class TaskPrefix:
    """The words that a model such as T5 wants before the text, to know its task: `translate English to German: `."""

    task: Text
    prefix: Text


@dataclass(frozen=True, slots=True)
class Margin:
    """What corrections of one kind (the Proofreader API's six) must gain beyond `least_gain`, in nats."""

    type: Text
    nats: Amount


@dataclass(frozen=True, slots=True)
class TaskPrompt:
    """What a model that was trained for `task` wants to be asked: `user` with the text in the place of `{text}`.

    That is the user's turn of the chat template, behind `system` where it is not None (a template may bring its own), and the
    whole prompt of a model without one. `least_gain` belongs to the task `grammar`: the log-probability gain in nats over the
    copy from which on a correction is shown, as tuned for this model; None where nobody tuned it. `margins` are added to it.
    """

    task: Text
    user: TextTemplate
    system: Text | None = None
    least_gain: Amount | None = None
    margins: tuple[Margin, ...] | None = None


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompt formats per task: `chat_template` is the path of a Jinja file in the bundle, None for a base model.

    `prefixes` are those that the checkpoint names, `tasks` the prompts that it was trained with; None where there are none.
    """

    chat_template: SafePath | None
    prefixes: tuple[TaskPrefix, ...] | None = None
    tasks: tuple[TaskPrompt, ...] | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """Default sampling settings of the model; `temperature` 0 is greedy, `top_k` 0 and `top_p` 1 are off."""

    temperature: Amount
    top_p: Amount
    top_k: Count
    repetition_penalty: Amount
    max_tokens: Positive


@dataclass(frozen=True, slots=True)
class KvGeometry:
    """Shape of the KV cache: each layer holds K and V of [1, heads, length, head_dim]."""

    layers: Positive
    heads: Positive
    head_dim: Positive


@dataclass(frozen=True, slots=True)
class Decoder:
    """Of an encoder-decoder model: the tokens that every answer begins with (not shown), and the most that may follow.

    `embedding_width` is d of the embeddings [1, S, d] that go from the embedding graph to the two others.
    """

    start: tuple[Count, ...]
    max_tokens: Positive
    embedding_width: Positive


@dataclass(frozen=True, slots=True)
class Encoder:
    """Of an encoder model: what its one run gives.

    `text-classification`: logits [1, labels]; `token-classification`: logits [1, S, labels]; `embeddings`: hidden states
    [1, S, d], made into one vector by `pooling` (over every token, special ones too) and, where `normalize`, unit length.
    A text of more than `max_tokens` tokens, special ones included, is cut. `multi_label`: labels do not exclude each other
    (sigmoid instead of softmax). `dimensions` is the length of a vector, or the number of labels.
    """

    task: Annotated[str, one_of("text-classification", "token-classification", "embeddings")]
    labels: tuple[Text, ...]
    multi_label: bool
    pooling: Annotated[str, one_of("mean", "cls", "max", "none")]
    normalize: bool
    dimensions: Positive
    max_tokens: Positive
