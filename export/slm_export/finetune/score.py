"""How well a model gives held-out answers, with the right tokens before each (no generation: one pass)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from slm_export.finetune.batches import IGNORED, collate, plan
from slm_export.finetune.encode import Encoded
from slm_export.finetune.model import answer_logits, answer_loss


@dataclass(frozen=True, slots=True)
class Score:
    """`loss`: nats per answer token; `exact`: share of answers whose every token is the likeliest, so greedy would give them."""

    loss: float
    exact: float


@torch.no_grad()
def held_out(model: Any, examples: Sequence[Encoded], batch_tokens: int, pad: int, accelerator: Any) -> Score:
    """The score on `examples`, of which each process takes its part; the model is left as it was (training or not)."""
    model = accelerator.unwrap_model(model)
    was_training = model.training
    model.eval()
    loss, tokens, exact = 0.0, 0, 0
    batches = plan([len(example) for example in examples], batch_tokens, seed=0)
    for indices in batches[accelerator.process_index :: accelerator.num_processes]:
        batch = collate([examples[at] for at in indices], pad).to(accelerator.device)
        logits = answer_logits(model, batch)
        loss += float(answer_loss(logits, batch.answers))
        tokens += int((batch.answers != IGNORED).sum())
        is_right = (logits.argmax(-1) == batch.answers) | (batch.answers == IGNORED)
        exact += int(is_right.all(dim=1).sum())
    model.train(was_training)
    sums = torch.tensor([loss, tokens, exact], dtype=torch.float64, device=accelerator.device)
    loss, tokens, exact = accelerator.reduce(sums, "sum").tolist()
    return Score(loss / max(tokens, 1), exact / max(len(examples), 1))
