"""How long an export takes: seconds per parameter of each stage as measured once, scaled by this machine's speed now.

Measured with SmolLM2-135M (134.5 M parameters, Q4_1) on a machine of two cores where nothing else ran: the seconds that
    slm-export model SmolLM2-135M-Instruct.Q4_1.gguf --out DIR
says of each stage; together 236 s.
Stages are bound by matrix products or by passes over the weights, so that both grow with the parameters. After a change
of a stage, measure again and put its new figure here; REFERENCE_FLOPS is `resources.matmul_flops()` on that machine.
"""

from __future__ import annotations

from collections.abc import Sequence

from slm_export.variant_recipes import Recipe

REFERENCE_FLOPS = 2.26e11
START_SECONDS = 7.0  # importing the libraries, here and there; the report; not scaled by parameters
_MEASURED_PARAMETERS = 134_515_008
# Stage → seconds for _MEASURED_PARAMETERS. Quantising and comparing are per variant, by the width of its layers.
_SECONDS = {
    "load": 20.5,
    "original": 19.8,
    "graph": 1.9,
    "calibrate": 135.0,
    "quantise-4": 3.8,
    "quantise-8": 1.7,
    "quantise-float": 1.7,
    "compare-4": 9.2,
    "compare-8": 14.7,
    "compare-float": 14.7,
}
# Other programs, disks and how a model is built (many small matrices or few large ones) make it vary that much.
LOW, HIGH = 0.75, 1.5


def stage_names(recipes: Sequence[Recipe], *, calibrates: bool) -> list[str]:
    """The stages of an export in order, by the names of their stamps (stages.py)."""
    names = ["load", "original", "graph", *(["calibrate"] if calibrates else [])]
    return names + [f"{verb}-{recipe.name}" for recipe in recipes for verb in ("quantise", "compare")]


def stage_seconds(name: str, parameters: int, recipes: Sequence[Recipe], flops: float) -> float:
    """Expected seconds of the stage `name` of a model with so many parameters, where matrix products run at `flops`."""
    bits = {recipe.name: recipe.layer_bits for recipe in recipes}
    verb, _, variant = name.partition("-")
    key = name if variant not in bits else f"{verb}-{bits[variant] if bits[variant] <= 8 else 'float'}"
    return _SECONDS[key] * parameters / _MEASURED_PARAMETERS * REFERENCE_FLOPS / flops


def time_range(seconds: float) -> tuple[int, int]:
    """Low and high estimate of an export whose stages take `seconds` together."""
    return round(START_SECONDS + LOW * seconds), round(START_SECONDS + HIGH * seconds)


def spoken(low_seconds: int, high_seconds: int) -> str:
    """A range as people say it: `about 4–7 minutes`."""
    if high_seconds < 90:
        return f"about {low_seconds}–{high_seconds} seconds"
    if high_seconds < 5400:
        low, high = max(1, round(low_seconds / 60)), round(high_seconds / 60)
        return f"about {low}–{high} minutes" if low < high else f"about {low} minute{'s' if low > 1 else ''}"
    return f"about {low_seconds / 3600:.1f}–{high_seconds / 3600:.1f} hours"
