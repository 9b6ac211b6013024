"""Encoder-decoder models (T5, mT5, BART): three graphs through optimum (seq2seq_graph.py), compared on PyTorch's answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slm_export import verify_seq2seq
from slm_export.encoder_kind import input_tokens
from slm_export.errors import SourceError
from slm_export.facts import Facts
from slm_export.manifest import Reference
from slm_export.manifest_model import Decoder, Generation, KvGeometry, Prompts, SpecialTokens, TaskPrefix
from slm_export.optimum_kind import OptimumKind
from slm_export.original import Original
from slm_export.pretrained import Pretrained
from slm_export.progress import Reporter
from slm_export.verify import Measured, choose_reference

MAX_ANSWER_TOKENS = 512


class Seq2SeqKind(OptimumKind):
    """A ModelKind."""

    states_own_logits = True

    def __init__(self, source: Pretrained) -> None:
        super().__init__(source)
        self.start = _start(source)
        self.ends = _ends(source)
        self.facts = _facts(source, self.start, self.ends)

    def run_original(self, folder: Path, reporter: Reporter, *, text: str, text_name: str) -> Original:
        prefixes = [entry.prefix for entry in self.facts.prompts.prefixes or ()]
        prompts = verify_seq2seq.prompts(self.source.tokenizer, prefixes, self.facts.context_length, text, text_name)
        answering = verify_seq2seq.Answering(self.source.load_model(), self.start, self.ends)
        return verify_seq2seq.run_original(answering, prompts, folder, reporter, text=text, text_name=text_name)

    def measure(self, folder: Path, original: Original, reporter: Reporter) -> Measured:
        return verify_seq2seq.measure(folder, self.start, original, reporter)

    def choose_reference(self, original: Original, measured: Mapping[str, Measured]) -> tuple[int, Reference]:
        return choose_reference(original, measured)

    def any_reference(self, original: Original) -> Reference:
        prompt = original.prompts[0]
        return Reference(prompt.tokens, prompt.answer, prompt.logits)


def _start(source: Pretrained) -> tuple[int, ...]:
    """Tokens that every answer begins with.

    Raises: SourceError where the checkpoint does not say.
    """
    start = source.generation.decoder_start_token_id
    if start is None:
        start = source.config.decoder_start_token_id
    if start is None:
        raise SourceError("The checkpoint does not say which token an answer begins with (decoder_start_token_id).")
    forced = source.generation.forced_bos_token_id
    return (start,) if forced is None else (start, forced)


def _ends(source: Pretrained) -> tuple[int, ...]:
    """Every token that ends an answer: the tokenizer's and the generation config's."""
    stated = source.generation.eos_token_id
    ends = {source.tokenizer.eos_token_id, *(stated if isinstance(stated, list) else [stated])}
    return tuple(sorted(ends - {None}))


def _facts(source: Pretrained, start: tuple[int, ...], ends: tuple[int, ...]) -> Facts:
    config, tokenizer = source.config, source.tokenizer
    layers = getattr(config, "num_decoder_layers", None) or config.decoder_layers
    heads = getattr(config, "decoder_attention_heads", None) or config.num_heads
    answer_tokens = _answer_tokens(config, len(start))
    return Facts(
        architecture="encoder-decoder",
        family=str(config.model_type),
        tasks=("completion",),
        parameters=source.parameters,
        context_length=input_tokens(source),
        vocab_size=int(config.vocab_size),
        special_tokens=SpecialTokens(tokenizer.bos_token_id, ends, tokenizer.pad_token_id, add_bos=False),
        prompts=Prompts(None, _prefixes(config)),
        generation=Generation(0.0, 1.0, 0, 1.0, answer_tokens),  # greedy: these models answer, they do not chat
        kv=KvGeometry(int(layers), int(heads), int(getattr(config, "d_kv", None) or config.d_model // heads)),
        decoder=Decoder(start, answer_tokens, int(config.d_model)),
        graph="decoder.onnx",
        encoder_graph="encoder.onnx",
        embedding_graph="embedding.onnx",
    )


def _prefixes(config: Any) -> tuple[TaskPrefix, ...] | None:
    stated = getattr(config, "task_specific_params", None)
    if not isinstance(stated, dict):
        return None
    found = ((task, values.get("prefix")) for task, values in stated.items() if isinstance(values, dict))
    return tuple(TaskPrefix(str(task), prefix) for task, prefix in found if isinstance(prefix, str) and prefix) or None


def _answer_tokens(config: Any, start_tokens: int) -> int:
    """BART has as many positions for the answer as for the text, the start tokens included; T5 has no limit."""
    positions = getattr(config, "max_position_embeddings", None)
    return max(1, min(MAX_ANSWER_TOKENS, int(positions) - start_tokens) if positions else MAX_ANSWER_TOKENS)
