"""What transformers says nothing of when it loads weights: some that are missing, and numbers that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from slm_export.errors import SourceError


def require_all_weights(model: Any, report: dict[str, Any], path: Path) -> None:
    """transformers fills weights that it does not find with random numbers and goes on.

    Raises: SourceError naming some of the missing ones; `report` is the loading info of `from_pretrained`.
    """
    missing = sorted(report["missing_keys"])
    if missing:
        raise SourceError(
            f"{path} lacks {len(missing)} of the weights that a {type(model).__name__} has ({', '.join(missing[:3])} …). "
            "The checkpoint is incomplete, or its tensors have names that are not known. Get it again, or another form of it."
        )


def require_finite(model: Any, name: str) -> None:
    """Raises: SourceError for weights with NaN or infinity; `name` is the checkpoint's."""
    bad = [key for key, tensor in model.state_dict().items() if not _is_finite(tensor)]
    if bad:
        raise SourceError(
            f"{name} holds values that are not finite (NaN or infinity) in {', '.join(bad[:3])}. "
            "The checkpoint is broken: get it again, or ask its author."
        )


def _is_finite(tensor: torch.Tensor) -> bool:
    """One sum tells for nearly all tensors (NaN and infinity survive it); only its overflow needs the slow look."""
    return bool(torch.isfinite(tensor.sum())) or bool(torch.isfinite(tensor).all())
