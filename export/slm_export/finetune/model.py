"""The model to train: frozen weights with LoRA on every linear layer (not the head), and the loss of a batch."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from slm_export.errors import SourceError
from slm_export.finetune.batches import IGNORED, Batch


@dataclass(frozen=True, slots=True)
class Lora:
    """`rank` of the two matrices; their product counts `alpha` / `rank` times."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0


def with_lora(model: Any, lora: Lora, base_name: str) -> Any:
    """The PEFT model: only LoRA weights, float32, ask for gradients. `base_name` goes into adapter_config.json."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the name of the base is set to the folder it was loaded from
        adapted = get_peft_model(model, config)
    adapted.peft_config["default"].base_model_name_or_path = base_name
    return _ready(adapted)


def with_adapter(model: Any, folder: Path) -> Any:
    """The PEFT model that goes on from the adapter in `folder`.

    Raises: SourceError where the adapter does not fit the model.
    """
    from peft import PeftModel

    from slm_export.adapter import require_adapter_fits

    require_adapter_fits(model, folder)
    return _ready(PeftModel.from_pretrained(model, str(folder), is_trainable=True))


def _ready(model: Any) -> Any:
    model.config.use_cache = False
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return model.train()


def trainable(model: Any) -> int:
    """How many parameters are trained."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def answer_logits(model: Any, batch: Batch) -> torch.Tensor:
    """float32 [B, A, vocabulary]: logits that give the answers, the head computed for no other column."""
    options: dict[str, Any] = {"attention_mask": batch.mask, "use_cache": False}
    if _takes(model, "position_ids"):
        options["position_ids"] = batch.positions
    if _takes(model, "logits_to_keep"):
        output = model(input_ids=batch.tokens, logits_to_keep=batch.answer_columns, **options).logits
    else:
        output = model(input_ids=batch.tokens, **options).logits[:, batch.answer_columns]
    logits: torch.Tensor = output.float()
    return logits


def answer_loss(logits: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """Sum of -log p over the answers' tokens, in nats."""
    return functional.cross_entropy(logits.flatten(0, 1), answers.flatten(), ignore_index=IGNORED, reduction="sum")


def _takes(model: Any, name: str) -> bool:
    inner = getattr(model, "module", model)  # what DistributedDataParallel wraps
    inner = inner.get_base_model() if hasattr(inner, "get_base_model") else inner
    forward = inspect.unwrap(getattr(inner.forward, "__func__", inner.forward))
    return name in inspect.signature(forward).parameters or name in inspect.signature(type(inner).forward).parameters


def require_finite(loss: float, step: int) -> None:
    """Raises: SourceError where training has gone off the rails."""
    if loss != loss or loss in (float("inf"), float("-inf")):
        raise SourceError(
            f"The loss is not a number any more at step {step}: the learning rate is too high for this model or precision. "
            "Go on from the last checkpoint with --adapter and a lower --lr, or use --precision fp32."
        )
