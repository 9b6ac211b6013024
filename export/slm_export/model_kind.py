"""The three kinds of models: what an export of each does in its own way. Everything else is shared (export_stages.py).

decoder_kind.py    decoder language models, fused graph through onnxruntime-genai's builder
seq2seq_kind.py    encoder-decoder models (T5, BART), graphs through optimum
encoder_kind.py    encoder models (BERT, MiniLM), graph through optimum
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from slm_export.facts import Facts
from slm_export.kind_choice import is_decoder, refuse_chat_options
from slm_export.manifest import Reference
from slm_export.original import Original
from slm_export.progress import Reporter
from slm_export.sources import Origin
from slm_export.variant_recipes import Recipe
from slm_export.verify import Measured


class ModelKind(Protocol):
    """A loaded checkpoint (float32, in a folder of its own) and how to export it."""

    @property
    def facts(self) -> Facts:
        """What the manifest says of the model."""
        ...

    @property
    def folder(self) -> Path:
        """The float32 Hugging Face folder."""
        ...

    @property
    def tokenizer(self) -> Any:
        """transformers.PreTrainedTokenizerFast."""
        ...

    @property
    def chat_template(self) -> str | None: ...

    @property
    def states_own_logits(self) -> bool:
        """True where Variant.reference_logits says the variant's own logits; an encoder states outputs instead."""
        ...

    @property
    def calibrate(self) -> Callable[[Path, Reporter], None] | None:
        """Writes calibrated 4-bit matrices to a path; None for a kind without 4-bit variants."""
        ...

    def recipes(self, names: Sequence[str]) -> list[Recipe]:
        """The recipes of these variants with this kind's limits, in the manifest's order."""
        ...

    def run_original(self, folder: Path, reporter: Reporter, *, text: str, text_name: str) -> Original:
        """Run the PyTorch model over `text`; what it says goes to `folder`.

        Raises: VerifyError for a text that is too short.
        """
        ...

    def build_graph(self, folder: Path) -> None:
        """Write the float32 graph, or graphs, into `folder`."""
        ...

    def write_variant(self, graph: Path, recipe: Recipe, folder: Path, calibrated: Path) -> None:
        """Write a variant of the graphs in the folder `graph` into `folder`."""
        ...

    def measure(self, folder: Path, original: Original, reporter: Reporter) -> Measured:
        """Compare the variant in `folder` with the PyTorch pass.

        Raises: VerifyError where it gives numbers that are not finite.
        """
        ...

    def choose_reference(self, original: Original, measured: Mapping[str, Measured]) -> tuple[int, Reference]:
        """The self-test of the bundle, and which of `original.prompts` it is.

        Raises: VerifyError where no prompt will do.
        """
        ...

    def any_reference(self, original: Original) -> Reference:
        """A prompt at which to state an error, whatever the variants answer."""
        ...


def load(origin: Origin, folder: Path) -> None:
    """Load the checkpoint in PyTorch and write it to `folder` in float32.

    Raises: SourceError for a damaged or unsupported checkpoint, ExportError for options that do not apply to its kind.
    """
    if is_decoder(origin):
        from slm_export import checkpoint

        checkpoint.load(origin, folder)
    else:
        from slm_export import pretrained

        refuse_chat_options(origin)
        pretrained.load(origin, folder)


def open_kind(origin: Origin, folder: Path) -> ModelKind:
    """What `load` wrote to `folder` before.

    Raises: SourceError where the checkpoint lacks what its kind needs.
    """
    if is_decoder(origin):
        from slm_export.decoder_kind import DecoderKind

        return DecoderKind(origin, folder)
    from slm_export.encoder_kind import EncoderKind
    from slm_export.pretrained import reopen
    from slm_export.seq2seq_kind import Seq2SeqKind

    source = reopen(folder)
    return Seq2SeqKind(source) if source.is_seq2seq else EncoderKind(source)
