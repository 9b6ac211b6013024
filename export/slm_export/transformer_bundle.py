"""An encoder-decoder or encoder checkpoint → the content of its bundle: graphs, comparison with PyTorch, manifest.

Called by bundle.py, which installs the result as it does any other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from slm_export.card import model_card
from slm_export.checkpoint import Checkpoint
from slm_export.describe import write_texts
from slm_export.download import sha256_of
from slm_export.errors import ExportError, SourceError, VerifyError
from slm_export.int8_graph import Int8Graph
from slm_export.integrity import check_files
from slm_export.manifest import (
    FORMAT,
    MANIFEST_NAME,
    Decoder,
    Encoder,
    Fidelity,
    FileEntry,
    Generation,
    KvGeometry,
    Licence,
    Manifest,
    Prompts,
    Reference,
    SpecialTokens,
    TaskPrefix,
    Variant,
    load_manifest,
    to_json,
)
from slm_export.optimum_graph import export_graphs
from slm_export.pretrained import TASKS, Pretrained, architecture_of, load_pretrained
from slm_export.progress import Reporter
from slm_export.seq2seq_graph import engine_graphs
from slm_export.sources import Origin
from slm_export.verify_encoder import measure_encoder
from slm_export.verify_seq2seq import end_tokens, measure_seq2seq
from slm_export.weight_file import WeightFiles

VARIANT = "cpu-int8"
# 8-bit blocks are near lossless: beyond this something is broken.
MAX_PERPLEXITY_RATIO = 1.05
MIN_TOP1_AGREEMENT = 0.95
# Largest error of an encoder's reference outputs, as a share of the largest: a sure classifier keeps its labels through
# faults that its numbers show.
MAX_OUTPUT_ERROR = 0.05
DEFAULT_INPUT_TOKENS = 512
MAX_ANSWER_TOKENS = 512


def handles(origin: Origin) -> bool:
    """True where the checkpoint is an encoder or an encoder-decoder that this path exports."""
    return not origin.is_gguf and architecture_of(origin.path) in TASKS


def fill(origin: Origin, part: Path, variants: Sequence[str], reporter: Reporter) -> Manifest:
    """Write the bundle's files and its manifest into `part`.

    Raises: SlmError of any kind.
    """
    if VARIANT not in variants:
        raise ExportError(f"{origin.name} is exported as {VARIANT} only so far. Leave --variants out, or ask for {VARIANT}.")
    options = origin.options
    if options.adapter or options.chat_template or options.task:
        raise ExportError(
            f"{origin.name} is no decoder language model: --adapter, --chat-template and --task do not apply to it. "
            "Leave them out."
        )
    with reporter.step(f"[1/3] Loading {origin.name} in PyTorch (float32)"):
        source = load_pretrained(origin)
    with reporter.step(f"[2/3] Writing {VARIANT} of {source.parameters / 1e6:.1f} M parameters"):
        _write_variant(source, part / VARIANT, part / ".work")
    source = load_pretrained(origin)  # optimum changes the configuration of the model that it traces
    describe = _Description(origin, source, part)
    folders = {VARIANT: part / VARIANT}
    with reporter.step("[3/3] Comparing it with PyTorch"):
        if describe.encoder:
            fidelities, reference = measure_encoder(source, folders, describe.encoder, reporter)
        else:
            prefixes = [entry.prefix for entry in describe.prefixes or ()]
            fidelities, reference = measure_seq2seq(source, folders, describe.start, prefixes, reporter)
    _judge(fidelities[VARIANT], reference, reporter)
    write_texts(origin, _texts_of(source), part)
    (part / "README.md").write_text(model_card(describe.manifest(fidelities[VARIANT], reference)), encoding="utf-8")
    manifest = describe.manifest(fidelities[VARIANT], reference)  # now with the card's digest
    (part / MANIFEST_NAME).write_text(to_json(manifest), encoding="utf-8")
    check_files(part, load_manifest(part))
    return manifest


def _write_variant(source: Pretrained, folder: Path, work: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    graphs = export_graphs(source.model, TASKS[source.architecture], work / "optimum")
    if source.is_seq2seq:
        graphs = engine_graphs(source.model, graphs)
    vocabulary = source.model.get_input_embeddings().weight.shape[0]
    with WeightFiles(folder) as weights:
        for name, graph in graphs.items():
            onnx.save_model(Int8Graph(graph, weights, vocabulary).run(), folder / f"{name}.onnx")


def _judge(fidelity: Fidelity, reference: Reference, reporter: Reporter) -> None:
    said = (
        f"{VARIANT}: perplexity ratio {fidelity.perplexity_ratio:.4f} (at most {MAX_PERPLEXITY_RATIO}), "
        f"top-1 agreement {fidelity.top1_agreement:.2%} (at least {MIN_TOP1_AGREEMENT:.0%})"
    )
    holds = fidelity.perplexity_ratio <= MAX_PERPLEXITY_RATIO and fidelity.top1_agreement >= MIN_TOP1_AGREEMENT
    if reference.outputs is not None:
        error = fidelity.max_reference_logit_error / max(abs(value) for value in reference.outputs)
        said += f", outputs off by {error:.2%} (at most {MAX_OUTPUT_ERROR:.0%})"
        holds = holds and error <= MAX_OUTPUT_ERROR
    reporter.say(f"  {said}, mean KL {fidelity.mean_kl:.4f}")
    if not holds:  # NaN too
        raise VerifyError(f"The export differs too much from the original and was not installed:\n  {said}")


def _texts_of(source: Pretrained) -> Checkpoint:
    return Checkpoint(source.folder, source.model.config, source.parameters, source.tokenizer, None)


class _Description:
    """What the manifest says of a checkpoint, before anything is measured."""

    def __init__(self, origin: Origin, source: Pretrained, part: Path) -> None:
        self.origin, self.source, self.part = origin, source, part
        self.config = source.model.config
        self.input_tokens = self._input_tokens()
        self.encoder = None if source.is_seq2seq else self._encoder()
        self.start = self._start() if source.is_seq2seq else ()
        self.prefixes = self._prefixes()

    def _input_tokens(self) -> int:
        """Positions that the model has, and no more than its tokenizer allows. T5 has no positions of its own."""
        stated = [getattr(self.config, "max_position_embeddings", None), self.source.tokenizer.model_max_length]
        known = [int(value) for value in stated if value and value < 1_000_000]  # transformers' "unknown" is 1e30
        return min(known, default=DEFAULT_INPUT_TOKENS)

    def _start(self) -> tuple[int, ...]:
        generation = self.source.model.generation_config
        start = generation.decoder_start_token_id
        if start is None:
            start = self.config.decoder_start_token_id
        if start is None:
            raise SourceError("The checkpoint does not say which token an answer begins with (decoder_start_token_id).")
        forced = generation.forced_bos_token_id
        return (start,) if forced is None else (start, forced)

    def _prefixes(self) -> tuple[TaskPrefix, ...] | None:
        stated = getattr(self.config, "task_specific_params", None)
        if not self.source.is_seq2seq or not isinstance(stated, dict):
            return None
        found = ((task, values.get("prefix")) for task, values in stated.items() if isinstance(values, dict))
        return tuple(TaskPrefix(str(task), prefix) for task, prefix in found if isinstance(prefix, str) and prefix) or None

    def _encoder(self) -> Encoder:
        task = TASKS[self.source.architecture]
        if task == "feature-extraction":
            pooling, normalize, max_tokens = _sentence_files(self.source.folder)
            width = int(getattr(self.config, "hidden_size", None) or self.config.dim)
            limit = min(self.input_tokens, max_tokens or self.input_tokens)
            return Encoder("embeddings", (), False, pooling, normalize, width, limit)
        names = self.config.id2label
        labels = tuple(str(names[index]) for index in range(self.config.num_labels))
        multi_label = self.config.problem_type == "multi_label_classification"
        return Encoder(task, labels, multi_label, "none", False, len(labels), self.input_tokens)

    def _kv(self) -> KvGeometry | None:
        if self.encoder:
            return None
        config = self.config
        layers = getattr(config, "num_decoder_layers", None) or config.decoder_layers
        heads = getattr(config, "decoder_attention_heads", None) or config.num_heads
        return KvGeometry(int(layers), int(heads), int(getattr(config, "d_kv", None) or config.d_model // heads))

    def _answer_tokens(self) -> int:
        """BART has as many positions for the answer as for the text, the start tokens included; T5 has no limit."""
        positions = getattr(self.config, "max_position_embeddings", None)
        return min(MAX_ANSWER_TOKENS, int(positions) - len(self.start)) if positions else MAX_ANSWER_TOKENS

    def _special_tokens(self) -> SpecialTokens:
        tokenizer = self.source.tokenizer
        ends = () if self.encoder else end_tokens(self.source)
        return SpecialTokens(tokenizer.bos_token_id, ends, tokenizer.pad_token_id, add_bos=False)

    def _tasks(self) -> tuple[str, ...]:
        if self.encoder:
            return (self.encoder.task,)
        return ("completion",)

    def manifest(self, fidelity: Fidelity, reference: Reference) -> Manifest:
        origin, source = self.origin, self.source
        shared = sorted(path.name for path in self.part.iterdir() if path.is_file() and path.name != MANIFEST_NAME)
        return Manifest(
            format=FORMAT,
            id=origin.id,
            name=origin.name,
            description=origin.description,
            source=origin.source,
            licence=Licence(origin.licence_id, "LICENSE"),
            family=str(self.config.model_type),
            architecture="encoder" if self.encoder else "encoder-decoder",
            tasks=self._tasks(),
            parameters=source.parameters,
            context_length=self.input_tokens,
            vocab_size=int(self.config.vocab_size),
            special_tokens=self._special_tokens(),
            prompts=Prompts(None, self.prefixes),
            # Greedy: these models answer, they do not chat.
            generation=origin.generation or Generation(0.0, 1.0, 0, 1.0, max(1, self._answer_tokens())),
            kv=self._kv(),
            reference=reference,
            files=tuple(_entry(self.part, name) for name in shared),
            variants=(self._variant(fidelity),),
            decoder=None if self.encoder else Decoder(self.start, max(1, self._answer_tokens()), int(self.config.d_model)),
            encoder=self.encoder,
        )

    def _variant(self, fidelity: Fidelity) -> Variant:
        entries = tuple(_entry(self.part, f"{VARIANT}/{path.name}") for path in sorted((self.part / VARIANT).iterdir()))
        stored_bytes = sum(entry.size_bytes for entry in entries)
        return Variant(
            name=VARIANT,
            device="cpu",
            requires=(),
            graph=f"{VARIANT}/{'model' if self.encoder else 'decoder'}.onnx",
            kv_dtype="float32",
            bits_per_weight=round(8 * stored_bytes / self.source.parameters, 2),
            memory_bytes=stored_bytes + 4 * self.source.parameters,  # unfolded to float32 beside the files
            files=entries,
            fidelity=fidelity,
            encoder_graph=None if self.encoder else f"{VARIANT}/encoder.onnx",
            embedding_graph=None if self.encoder else f"{VARIANT}/embedding.onnx",
        )


def _sentence_files(folder: Path) -> tuple[str, bool, int | None]:
    """Pooling, normalisation and longest text as the files of sentence-transformers say; mean, unit length without them.

    Raises: SourceError for a module or a pooling that the engine does not have.
    """
    modules = _json(folder / "modules.json", [])
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    unknown = [kind for kind in kinds if kind not in ("Transformer", "Pooling", "Normalize")]
    if unknown:
        raise SourceError(f"{folder.name} ends in {', '.join(unknown)}, which is not supported. Choose a model without it.")
    pooling = _json(folder / "1_Pooling" / "config.json", {})
    names = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max"}
    chosen = [key for key, value in pooling.items() if key.startswith("pooling_mode") and value is True]
    if any(key not in names for key in chosen) or len(chosen) > 1:
        raise SourceError(f"{folder.name} pools by {', '.join(chosen)}; supported is one of {', '.join(names)}.")
    limit = _json(folder / "sentence_bert_config.json", {}).get("max_seq_length")
    return names[chosen[0]] if chosen else "mean", "Normalize" in kinds or not kinds, limit


def _json(path: Path, otherwise: Any) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return otherwise
    except ValueError as error:
        raise SourceError(f"{path} is not JSON ({error}). Get the checkpoint again.") from error


def _entry(part: Path, name: str) -> FileEntry:
    path = part / name
    return FileEntry(name, path.stat().st_size, sha256_of(path))
