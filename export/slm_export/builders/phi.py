"""Phi-2: one LayerNorm feeds attention and MLP side by side, rotary positions on part of each head, a head with a bias."""

from __future__ import annotations

from typing import Any

from slm_export.builders.contract import Contract
from slm_export.errors import ExportError

from builders.phi import PhiModel  # isort: skip


class Phi(Contract, PhiModel):  # type: ignore[misc]
    """The builder's Phi-2 under the engine's contract."""

    @classmethod
    def defaults(cls, config: Any) -> dict[str, Any]:
        if config.qk_layernorm:
            raise ExportError("This Phi model norms its queries and keys (qk_layernorm), which cannot be exported yet.")
        return super().defaults(config)
