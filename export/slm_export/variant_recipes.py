"""Which variants there are and which of them a browser should prefer. Standard library only: the command's start needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a variant is made of, and the fidelity without which it is not installed.

    `layer_bits` of the layers' matrices: 4 (embedding and head 8), 8, or the width of the floats. `use` says in a few
    words when to make it.
    """

    name: str
    device: str
    requires: tuple[str, ...]
    layer_bits: int
    float16: bool
    max_perplexity_ratio: float
    min_top1_agreement: float
    use: str = ""


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("webgpu-q8f16", "webgpu", ("shader-f16",), 8, True, 1.01, 0.97, "near lossless; first choice below 500 M weights"),
        Recipe("webgpu-q4f16", "webgpu", ("shader-f16",), 4, True, 1.15, 0.75, "smallest download; first choice above 500 M"),
        Recipe("webgpu-q4f32", "webgpu", (), 4, False, 1.15, 0.75, "GPUs without 16-bit floats"),
        Recipe("cpu-int8", "cpu", (), 8, False, 1.01, 0.97, "no GPU; near lossless"),
        Recipe("f16", "webgpu", ("shader-f16",), 16, True, 1.005, 0.98, "comparison; only where --variants names it"),
        Recipe("f32", "cpu", (), 32, False, 1.001, 0.999, "comparison; only where --variants names it"),
    )
}
DEFAULT_VARIANTS = tuple(name for name, recipe in RECIPES.items() if recipe.layer_bits <= 8)
# Variants of encoder and encoder-decoder models: the engine runs those on the CPU.
CPU_VARIANTS = ("cpu-int8", "f32")

SMALL_PARAMETERS = 500_000_000
COARSE_BLOCK = 64  # of embedding and head in 4-bit variants
MAX_FILE_BYTES = 2**30  # of a weight file: QtWebEngine cannot hold a buffer of 2 GiB
MAX_BITS_PER_WEIGHT = 5.5  # of all that a 4-bit variant stores, float16 scales; matrices stay 8-bit up to there


def by_preference(names: Sequence[str], parameters: int) -> list[Recipe]:
    """The recipes in the order in which a browser should prefer them (the manifest's order).

    Under SMALL_PARAMETERS 8 bits come first: 4 bits still cost some hundredths of perplexity there, and a model this
    small is bound by dispatches, not by bytes. Above, half the download counts more. Floats come last.
    """
    order = (8, 4, 16, 32) if parameters < SMALL_PARAMETERS else (4, 8, 16, 32)
    return sorted((RECIPES[name] for name in names), key=lambda recipe: order.index(recipe.layer_bits))
