"""Phi-2: one LayerNorm feeds attention and MLP side by side, rotary positions on part of each head, a head with a bias."""

from __future__ import annotations

from slm_export.builders.contract import Contract

from builders.phi import PhiModel  # isort: skip


class Phi(Contract, PhiModel):  # type: ignore[misc]
    """The builder's Phi-2 under the engine's contract."""
