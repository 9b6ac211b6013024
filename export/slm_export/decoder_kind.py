"""Decoder language models: the fused graph of onnxruntime-genai's builder, calibrated 4-bit and 8-bit variants."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slm_export import checkpoint as checkpoints
from slm_export import variants
from slm_export.adapter import AdapterTask, read_task
from slm_export.calibrate import calibrate
from slm_export.checkpoint import Checkpoint
from slm_export.errors import VerifyError
from slm_export.facts import Facts
from slm_export.families import context_length, kv_heads
from slm_export.gguf_blocks import exact_int4
from slm_export.graph import build_float_graph, open_float_graph
from slm_export.manifest import Reference
from slm_export.manifest_model import Generation, KvGeometry, Prompts, SpecialTokens, TaskPrompt
from slm_export.original import Original, run_original
from slm_export.progress import Reporter
from slm_export.row_store import RowStore
from slm_export.sources import Origin
from slm_export.tokenizer import TOKENIZER_FILES
from slm_export.variant_recipes import Recipe, by_preference
from slm_export.verify import Measured, choose_reference, measure_variant

_GENERATION = Generation(temperature=0.7, top_p=0.9, top_k=0, repetition_penalty=1.0, max_tokens=512)
_GREEDY = Generation(temperature=0.0, top_p=1.0, top_k=0, repetition_penalty=1.0, max_tokens=512)  # one task has one answer


class DecoderKind:
    """The checkpoint that checkpoint.load wrote to `folder`; a ModelKind."""

    states_own_logits = True

    def __init__(self, origin: Origin, folder: Path) -> None:
        self.checkpoint = checkpoints.reopen(folder)
        self.folder = folder
        # The source's blocks are carried over as they are, where its weights are: an adapter changes them.
        self.gguf = origin.path if origin.is_gguf and origin.options.adapter is None else None
        self.facts = _facts(self.checkpoint, read_task(origin.options.adapter) if origin.options.adapter else None)

    @property
    def tokenizer(self) -> Any:
        return self.checkpoint.tokenizer

    @property
    def chat_template(self) -> str | None:
        return self.checkpoint.chat_template

    def recipes(self, names: Sequence[str]) -> list[Recipe]:
        return by_preference(names, self.checkpoint.parameters)

    def run_original(self, folder: Path, reporter: Reporter, *, text: str, text_name: str) -> Original:
        original = run_original(self.checkpoint, folder, reporter, text=text, text_name=text_name)
        if not any(True for _ in original.windows()):
            raise VerifyError(f"{text_name} has fewer than two tokens. Give a longer text.")
        return original

    def build_graph(self, folder: Path) -> None:
        build_float_graph(self.folder, folder, head_dim=self.checkpoint.head_dim)

    def calibrate(self, path: Path, reporter: Reporter) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        exact = exact_int4(self.gguf, self.checkpoint.config) if self.gguf else {}
        calibrate(self.checkpoint, path, reporter, exact=exact)

    def write_variant(self, graph: Path, recipe: Recipe, folder: Path, calibrated: Path) -> None:
        source = open_float_graph(graph, head_dim=self.checkpoint.head_dim)
        variants.write_variant(source, recipe, folder, RowStore(calibrated) if recipe.layer_bits == 4 else None)

    def measure(self, folder: Path, original: Original, reporter: Reporter) -> Measured:
        return measure_variant(folder / self.facts.graph, original, reporter)

    def choose_reference(self, original: Original, measured: Mapping[str, Measured]) -> tuple[int, Reference]:
        return choose_reference(original, measured)

    def any_reference(self, original: Original) -> Reference:
        prompt = original.prompts[0]
        return Reference(prompt.tokens, prompt.answer, prompt.logits)


def _facts(checkpoint: Checkpoint, task: AdapterTask | None) -> Facts:
    config, generation = checkpoint.config, checkpoint.load_model().generation_config
    return Facts(
        architecture="decoder",
        family=str(config.model_type),
        tasks=(task.task,) if task else ("chat", "completion") if checkpoint.chat_template else ("completion",),
        parameters=checkpoint.parameters,
        context_length=context_length(config),
        vocab_size=int(config.vocab_size),
        special_tokens=_special_tokens(checkpoint, generation),
        prompts=Prompts(
            chat_template=TOKENIZER_FILES[2] if checkpoint.chat_template else None,
            tasks=(TaskPrompt(task.task, task.prefix + "{text}", None, task.least_gain, task.margins or None),) if task else None,
        ),
        generation=_GREEDY if task else _generation(generation),
        kv=KvGeometry(layers=int(config.num_hidden_layers), heads=kv_heads(config), head_dim=checkpoint.head_dim),
    )


def _generation(stated: Any) -> Generation:
    """The settings of a transformers GenerationConfig that says to sample, as transformers would use them; else ours."""
    if not stated.do_sample:
        return _GENERATION
    return dataclasses.replace(
        _GENERATION,
        temperature=float(stated.temperature or 0.0),
        top_p=float(1.0 if stated.top_p is None else stated.top_p),
        top_k=int(stated.top_k or 0),
        repetition_penalty=float(stated.repetition_penalty or 1.0),
    )


def _special_tokens(checkpoint: Checkpoint, generation: Any) -> SpecialTokens:
    """Every token that ends a turn: the tokenizer's and the generation config's."""
    tokenizer = checkpoint.tokenizer
    stated = generation.eos_token_id
    eos = {tokenizer.eos_token_id, *(stated if isinstance(stated, list) else [stated])} - {None}
    bos = tokenizer.bos_token_id
    return SpecialTokens(
        bos, tuple(sorted(eos)), tokenizer.pad_token_id, add_bos=bos is not None and tokenizer("a")["input_ids"][0] == bos
    )
