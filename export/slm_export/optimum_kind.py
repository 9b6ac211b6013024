"""What encoders and encoder-decoders have in common as a ModelKind: graphs through optimum, and the variants made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slm_export import transformer_graph
from slm_export.pretrained import Pretrained
from slm_export.variant_recipes import Recipe


class OptimumKind:
    """The half of a ModelKind that knows nothing of what the model gives."""

    chat_template: str | None = None
    calibrate = None  # no 4-bit variants

    def __init__(self, source: Pretrained) -> None:
        self.source = source
        self.folder = source.folder

    @property
    def tokenizer(self) -> Any:
        return self.source.tokenizer

    def recipes(self, names: Sequence[str]) -> list[Recipe]:
        return transformer_graph.recipes(names, self.source.parameters)

    def build_graph(self, folder: Path) -> None:
        transformer_graph.build_graphs(self.source, folder)

    def write_variant(self, graph: Path, recipe: Recipe, folder: Path, calibrated: Path) -> None:
        transformer_graph.write_variant(graph, recipe, folder, embedding_rows=self.source.embedding_rows)
