"""What the manifest says of a model itself, whatever its variants turn out to be."""

from __future__ import annotations

from dataclasses import dataclass

from slm_export.manifest_model import Decoder, Encoder, Generation, KvGeometry, Prompts, SpecialTokens


@dataclass(frozen=True, slots=True)
class Facts:
    """Fields of the manifest of the same names. `generation` is the default where the source states none.

    `graph` and the other two are file names in a variant's folder, None for a graph that this kind does not have.
    """

    architecture: str
    family: str
    tasks: tuple[str, ...]
    parameters: int
    context_length: int
    vocab_size: int
    special_tokens: SpecialTokens
    prompts: Prompts
    generation: Generation
    kv: KvGeometry | None
    decoder: Decoder | None = None
    encoder: Encoder | None = None
    graph: str = "model.onnx"
    encoder_graph: str | None = None
    embedding_graph: str | None = None
