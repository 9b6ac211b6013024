"""The float32 graphs of an encoder or encoder-decoder on disk, and the variants made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import onnx

from slm_export.int8_graph import Int8Graph, float_graph
from slm_export.optimum_graph import export_graphs
from slm_export.pretrained import TASKS, Pretrained
from slm_export.seq2seq_graph import engine_graphs
from slm_export.variant_recipes import Recipe, by_preference
from slm_export.weight_file import WeightFiles

# 8-bit blocks are near lossless: beyond this something is broken. Wider than a decoder's limits, since one label or one
# answer's token weighs more among the few hundred that are compared.
MAX_PERPLEXITY_RATIO = 1.05
MIN_TOP1_AGREEMENT = 0.95


def recipes(names: Sequence[str], parameters: int) -> list[Recipe]:
    """The recipes of these variants, those of 8 bits with the limits above."""

    def limited(recipe: Recipe) -> Recipe:
        if recipe.layer_bits != 8:
            return recipe
        return dataclasses.replace(recipe, max_perplexity_ratio=MAX_PERPLEXITY_RATIO, min_top1_agreement=MIN_TOP1_AGREEMENT)

    return [limited(recipe) for recipe in by_preference(names, parameters)]


def build_graphs(source: Pretrained, folder: Path) -> None:
    """Write the engine's graphs, float32, into `folder`: `model`, or `embedding`, `encoder` and `decoder`.

    Raises: ExportError where no graph can be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = source.load_model()
    graphs = export_graphs(model, TASKS[source.architecture], folder)
    if source.is_seq2seq:
        graphs = engine_graphs(model, graphs)
    for name, graph in graphs.items():
        onnx.save_model(graph, folder / f"{name}.onnx", save_as_external_data=True, location=f"{name}.onnx.data")


def write_variant(graphs: Path, recipe: Recipe, folder: Path, *, embedding_rows: int) -> None:
    """Write one variant of the graphs in the folder `graphs`; all of its graphs share the weight files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with WeightFiles(folder) as weights:
        for path in sorted(graphs.glob("*.onnx")):
            graph = onnx.load(path)
            made = Int8Graph(graph, weights, embedding_rows).run() if recipe.layer_bits == 8 else float_graph(graph, weights)
            onnx.save_model(made, folder / path.name)
