"""A Llama-shaped model with random weights as a GGUF file: for measuring speed at a size for which no checkpoint is at hand.

    python tests/bench/peers/make_synthetic.py --tokenizer SMOLLM2.gguf --out FILE.gguf [--shape 1b|tiny] [--seed 0]

Everything else is done by the tools that real models go through: `slm-export model FILE.gguf`, make_models.py. Seeded: the
same arguments give the same bytes. The tokenizer is that of `--tokenizer`. Layer matrices are stored in blocks of 4 bits
(Q4_0), so that 4-bit variants hold them exactly and nothing has to be fitted. The embedding is also the head and outweighs the
layers: the likeliest next token is the last one, by far, so that greedy answers do not hang on rounding.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a Llama: `kv_heads` share keys and values among `heads`."""

    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    context: int

    @property
    def head_dim(self) -> int:
        return self.width // self.heads


SHAPES = {
    "1b": Shape(layers=16, width=2048, feed_forward=8192, heads=32, kv_heads=8, context=4096),
    "tiny": Shape(layers=2, width=128, feed_forward=256, heads=4, kv_heads=2, context=2048),
}
# Of the source file, what belongs to its weights and not to its tokenizer.
_OWN_FIELDS = ("GGUF.", "general.", "llama.", "quantize.")
OWN_LOGIT = 12.0  # of the last token, were the layers to add nothing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, required=True, help="a GGUF file whose tokenizer the model gets")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="1b")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    part = options.out.with_suffix(".part")
    write(gguf.GGUFReader(options.tokenizer), SHAPES[options.shape], part, seed=options.seed)
    part.rename(options.out)  # whole, or not there


def write(tokenizer: gguf.GGUFReader, shape: Shape, path: Path, *, seed: int) -> None:
    """The model with the tokenizer of another file."""
    writer = gguf.GGUFWriter(path, "llama")
    for field in tokenizer.fields.values():
        if not field.name.startswith(_OWN_FIELDS):
            kind = field.types[0]
            writer.add_key_value(
                field.name, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
            )
    vocabulary = len(_field(tokenizer, "tokenizer.ggml.tokens"))
    writer.add_name(f"Random Llama, {shape.layers} layers of {shape.width}")
    writer.add_license("Apache-2.0")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    writer.add_vocab_size(vocabulary)
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(100_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    for index, (name, dims, scale) in enumerate(tensors(shape, vocabulary)):
        if len(dims) == 1:
            writer.add_tensor(name, np.full(dims, scale, np.float32))
            continue
        packing = gguf.GGMLQuantizationType.Q8_0 if name == "token_embd.weight" else gguf.GGMLQuantizationType.Q4_0
        writer.add_tensor(name, gguf.quantize(_drawn(dims, scale, seed=(seed, index)), packing), raw_dtype=packing)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(shape: Shape, vocabulary: int) -> list[tuple[str, tuple[int, ...], float]]:
    """Name, dimensions and scale of each: the standard deviation of a matrix, the value of a norm's weights."""
    width, kv_width = shape.width, shape.kv_heads * shape.head_dim
    found: list[tuple[str, tuple[int, ...], float]] = [
        ("token_embd.weight", (vocabulary, width), 1.0),
        ("output_norm.weight", (width,), OWN_LOGIT / width),
    ]
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        found += [
            (f"{block}.attn_norm.weight", (width,), 1.0),
            (f"{block}.attn_q.weight", (width, width), width**-0.5),
            (f"{block}.attn_k.weight", (kv_width, width), width**-0.5),
            (f"{block}.attn_v.weight", (kv_width, width), width**-0.5),
            (f"{block}.attn_output.weight", (width, width), 0.2 * width**-0.5),
            (f"{block}.ffn_norm.weight", (width,), 1.0),
            (f"{block}.ffn_gate.weight", (shape.feed_forward, width), width**-0.5),
            (f"{block}.ffn_up.weight", (shape.feed_forward, width), width**-0.5),
            (f"{block}.ffn_down.weight", (width, shape.feed_forward), 0.2 * shape.feed_forward**-0.5),
        ]
    return found


def _drawn(dims: tuple[int, ...], scale: float, *, seed: tuple[int, int]) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).standard_normal(dims, dtype=np.float32)
    values *= np.float32(scale)
    return values


def _field(reader: gguf.GGUFReader, name: str) -> list[str]:
    field = reader.get_field(name)
    if field is None:
        raise SystemExit(f"{name} is missing: take a GGUF file with a tokenizer.")
    return list(field.contents())


if __name__ == "__main__":
    main()
