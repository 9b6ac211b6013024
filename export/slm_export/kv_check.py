"""KV-cache equality: a prompt in one go, in pieces, and token by token must give the same logits at every position."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

PROMPT_TOKENS = 24  # token by token is the slow part: MatMulNBits takes 0.1-0.3 s a token on a CPU (SmolLM2-135M)
PIECES = (7, 1, 16)
# As a share of the largest logit, the same as the browser's self-test allows (web/src/engine/selftest.ts): sums in
# another order. Float16 has 11 bits, and errors add up over the layers.
TOLERANCE = {np.dtype(np.float32): 1e-3, np.dtype(np.float16): 2e-2}


class Stepping(Protocol):
    """A decoder with a cache: OrtDecoder, or OrtSeq2Seq once it has read a prompt."""

    @property
    def kv_dtype(self) -> np.dtype[Any]: ...

    def reset(self) -> None: ...

    def step(self, tokens: Sequence[int], *, all_positions: bool = ...) -> NDArray[np.float32]:
        """Logits [n, vocabulary] of all of `tokens`, which are appended to the cache."""
        ...


@dataclass(frozen=True, slots=True)
class KvEquality:
    """Largest |Δlogit| between the prompt in one go and in pieces, and token by token; `tolerance` is what is allowed."""

    tokens: int
    pieces_error: float
    single_error: float
    tolerance: float

    @property
    def holds(self) -> bool:
        return max(self.pieces_error, self.single_error) <= self.tolerance  # NaN: False

    def fault(self, variant: str) -> str | None:
        """A sentence where it does not hold."""
        if self.holds:
            return None
        return (
            f"{variant}: a prompt in one go differs by {self.pieces_error:g} from the same in pieces and by "
            f"{self.single_error:g} from token by token (at most {self.tolerance:g}): the KV cache is not used rightly"
        )


def kv_equality(decoder: Stepping, tokens: Sequence[int]) -> KvEquality:
    """Run the first tokens of a text in three ways; leaves the decoder's cache empty."""
    prompt = tokens[:PROMPT_TOKENS]
    whole = _logits(decoder, [prompt])
    ends = np.cumsum(PIECES)
    pieces = _logits(decoder, (prompt[end - size : end] for end, size in zip(ends, PIECES, strict=True)))
    single = _logits(decoder, ([token] for token in prompt))
    decoder.reset()
    share = TOLERANCE[decoder.kv_dtype]
    return KvEquality(
        tokens=len(prompt),
        pieces_error=_digits(np.abs(whole - pieces).max()),
        single_error=_digits(np.abs(whole - single).max()),
        tolerance=_digits(share * max(1.0, float(np.abs(whole).max()))),
    )


def _logits(decoder: Stepping, runs: Iterable[Sequence[int]]) -> NDArray[np.float32]:
    decoder.reset()
    return np.concatenate([decoder.step(run, all_positions=True) for run in runs if len(run)])


def _digits(value: float) -> float:
    return float(f"{value:.4g}")
