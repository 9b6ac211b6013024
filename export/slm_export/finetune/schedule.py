"""How far training has come, and the learning rate there: up in a straight line, then down along a cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass

WARMUP_SHARE = 0.03
LOWEST_SHARE = 0.05  # of the highest learning rate, at the end


@dataclass(frozen=True, slots=True)
class Limits:
    """Training ends after `steps`, or after `minutes` of training where that is sooner; 0 means no limit of time."""

    steps: int
    minutes: float = 0.0

    def progress(self, step: int, seconds: float) -> float:
        """0 at the beginning, 1 and more at the end. `seconds` of training, those before a resume too."""
        by_time = seconds / (60 * self.minutes) if self.minutes else 0.0
        return max(step / max(self.steps, 1), by_time)


def rate_at(progress: float, highest: float) -> float:
    """The learning rate at `progress` (0 to 1)."""
    if progress < WARMUP_SHARE:
        return highest * (0.05 + 0.95 * progress / WARMUP_SHARE)
    falling = min((progress - WARMUP_SHARE) / (1 - WARMUP_SHARE), 1.0)
    return highest * (LOWEST_SHARE + (1 - LOWEST_SHARE) * 0.5 * (1 + math.cos(math.pi * falling)))
