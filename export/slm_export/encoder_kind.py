"""Encoder models (BERT, DistilBERT, MiniLM): one graph through optimum, compared by what its one run gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slm_export import verify_encoder
from slm_export.errors import SourceError
from slm_export.facts import Facts
from slm_export.manifest import Reference
from slm_export.manifest_model import Encoder, Generation, Prompts, SpecialTokens
from slm_export.optimum_kind import OptimumKind
from slm_export.original import Original
from slm_export.pretrained import TASKS, Pretrained
from slm_export.progress import Reporter
from slm_export.verify import Measured

DEFAULT_INPUT_TOKENS = 512


class EncoderKind(OptimumKind):
    """A ModelKind."""

    states_own_logits = False

    def __init__(self, source: Pretrained) -> None:
        super().__init__(source)
        self.encoder = _encoder(source)
        self.facts = _facts(source, self.encoder)

    def run_original(self, folder: Path, reporter: Reporter, *, text: str, text_name: str) -> Original:
        return verify_encoder.run_original(self.source, self.encoder, folder, reporter, text=text, text_name=text_name)

    def measure(self, folder: Path, original: Original, reporter: Reporter) -> Measured:
        return verify_encoder.measure(folder, self.encoder, original, reporter)

    def choose_reference(self, original: Original, measured: Mapping[str, Measured]) -> tuple[int, Reference]:
        return verify_encoder.choose_reference(self.encoder, original)

    def any_reference(self, original: Original) -> Reference:
        return verify_encoder.choose_reference(self.encoder, original)[1]


def input_tokens(source: Pretrained) -> int:
    """Positions that the model has, and no more than its tokenizer allows. T5 has no positions of its own."""
    stated = [getattr(source.config, "max_position_embeddings", None), source.tokenizer.model_max_length]
    known = [int(value) for value in stated if value and value < 1_000_000]  # transformers' "unknown" is 1e30
    return min(known, default=DEFAULT_INPUT_TOKENS)


def _facts(source: Pretrained, encoder: Encoder) -> Facts:
    tokenizer = source.tokenizer
    return Facts(
        architecture="encoder",
        family=str(source.config.model_type),
        tasks=(encoder.task,),
        parameters=source.parameters,
        context_length=input_tokens(source),
        vocab_size=int(source.config.vocab_size),
        special_tokens=SpecialTokens(tokenizer.bos_token_id, (), tokenizer.pad_token_id, add_bos=False),
        prompts=Prompts(None),
        generation=Generation(0.0, 1.0, 0, 1.0, max_tokens=1),  # it does not write
        kv=None,
        encoder=encoder,
    )


def _encoder(source: Pretrained) -> Encoder:
    task, config = TASKS[source.architecture], source.config
    if task == "feature-extraction":
        pooling, normalize, max_tokens = _sentence_files(source.folder)
        width = int(getattr(config, "hidden_size", None) or config.dim)
        limit = min(input_tokens(source), max_tokens or input_tokens(source))
        return Encoder("embeddings", (), False, pooling, normalize, width, limit)
    labels = tuple(str(config.id2label[index]) for index in range(config.num_labels))
    multi_label = config.problem_type == "multi_label_classification"
    return Encoder(task, labels, multi_label, "none", False, len(labels), input_tokens(source))


def _sentence_files(folder: Path) -> tuple[str, bool, int | None]:
    """Pooling, normalisation and longest text as the files of sentence-transformers say; mean, unit length without them.

    Raises: SourceError for a module or a pooling that the engine does not have.
    """
    modules = _json(folder / "modules.json", [])
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    unknown = [kind for kind in kinds if kind not in ("Transformer", "Pooling", "Normalize")]
    if unknown:
        raise SourceError(f"The model ends in {', '.join(unknown)}, which is not supported. Choose a model without it.")
    pooling = _json(folder / "1_Pooling" / "config.json", {})
    names = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max"}
    chosen = [key for key, value in pooling.items() if key.startswith("pooling_mode") and value is True]
    if any(key not in names for key in chosen) or len(chosen) > 1:
        raise SourceError(f"The model pools by {', '.join(chosen)}; supported is one of {', '.join(names)}.")
    limit = _json(folder / "sentence_bert_config.json", {}).get("max_seq_length")
    return names[chosen[0]] if chosen else "mean", "Normalize" in kinds or not kinds, limit


def _json(path: Path, otherwise: Any) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return otherwise
    except ValueError as error:
        raise SourceError(f"{path.name} of the checkpoint is not JSON ({error}). Get the checkpoint again.") from error
