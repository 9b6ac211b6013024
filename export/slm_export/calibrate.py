"""4-bit codes of a decoder's matrices, fitted to the model's own text: GPTQ layer by layer, then scales by distillation.

The calibration text is what the model itself writes from random first tokens: it needs no corpus, no licence, and has
the model's languages and formats (Williams & Aletras 2024, "Self-calibration for Language Model Quantization and
Pruning", arXiv 2410.17170). Every input vector counts the same in GPTQ (it is divided by its norm): a small model's first
position has activations hundreds of times larger than all others, and would have its way alone. The scales are then
multiplied by gains that minimise KL(float ‖ 4-bit) of the whole model on the same text (as the second phase of
EfficientQAT, Chen et al. 2024, arXiv 2407.11062). In between, the matrices whose rounding hurts most stay 8-bit, as many
as MAX_BITS_PER_WEIGHT allows.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch.nn import functional

from slm_export.checkpoint import Checkpoint
from slm_export.gptq import gptq_blocks
from slm_export.matmuls import Matmul, switchable
from slm_export.memory import return_freed_memory
from slm_export.progress import Reporter
from slm_export.quantize import BLOCK, Int4Blocks
from slm_export.row_store import write_rows

SEQUENCES = 64
SEQUENCE_TOKENS = 128
LAYER_BATCH = 16  # sequences that go through a layer at once
TUNING_BATCH = 4
WIDENING_SEQUENCES = 16
MAX_BITS_PER_WEIGHT = 5.5  # of all that a 4-bit variant stores, float16 scales
_NARROW_BITS = 4 + (16 + 4) / BLOCK  # value; scale and zero point of its block
_WIDE_BITS = 8 + 16 / BLOCK
_EMBEDDING_BITS = 8 + 16 / 64
_OVERHEAD_BITS = 0.08  # graph, rotary tables, biases and norms (measured on SmolLM2-135M; less on larger models)
LEARNING_RATE = 1e-3  # of gains, which begin at 0 and stay within some hundredths


def calibrate(
    checkpoint: Checkpoint,
    path: Path,
    reporter: Reporter,
    *,
    exact: Mapping[str, Int4Blocks] = MappingProxyType({}),
    widen: bool = True,
    tune: bool = True,
) -> None:
    """Fit 4-bit blocks to every matrix of the decoder layers and write them to `path` (see row_store).

    `exact`, by weight name: blocks that are the source's own weights, bit for bit; they are taken as they are.
    `widen` and `tune` leave out what comes after GPTQ, for comparison (tests/bench/quantisation.py). A model whose layers
    cannot be run one by one gets an empty file, and is rounded to nearest.
    """
    say = reporter.paced()
    model = checkpoint.load_model()
    model.requires_grad_(False)
    with switchable(model) as layers:
        found = [matmul for _, matmuls in layers for matmul in matmuls]
        if found and all(f"{matmul.name}.weight" in exact for matmul in found):
            reporter.say("  Every matrix of the layers is 4-bit in the source: taken over exactly")
            return write_rows([(matmul.weight.numpy(), exact[f"{matmul.name}.weight"]) for matmul in found], path)
        tokens = self_generated(checkpoint, say)
        try:
            inputs = _layer_inputs(model, layers, tokens)
        except TypeError as error:  # a layer with another calling convention
            reporter.say(f"  The layers of this architecture cannot be calibrated ({error}): plain rounding instead")
            return write_rows([], path)
        blocks: dict[str, Int4Blocks] = {}
        for index, (layer, matmuls) in enumerate(layers):
            say(f"  layer {index + 1} of {len(layers)}: GPTQ on {tokens.numel():,} tokens")
            inputs.advance(layer, index, matmuls, blocks, exact)
        matmuls = [matmul for _, found in layers for matmul in found if matmul.codes is not None]
        carried = [matmul for matmul in matmuls if f"{matmul.name}.weight" in exact]
        matmuls = [matmul for matmul in matmuls if matmul not in carried]
        wide = _choose_wide(model, matmuls, tokens, checkpoint.parameters) if widen else []
        reporter.say(f"  8-bit because 4 bits hurt them most: {', '.join(matmul.name for matmul in wide) or 'none'}")
        for matmul in wide:
            matmul.codes = None
        narrow = [matmul for matmul in matmuls if matmul not in wide]
        if tune:
            _tune(model, narrow, tokens, say)
        rows = [(matmul.weight.numpy(), _with_gain(blocks[matmul.name], matmul)) for matmul in (*narrow, *carried)]
        write_rows(rows, path, wide=[matmul.weight.numpy() for matmul in wide])
    del model
    return_freed_memory()


def fast_type() -> torch.dtype:
    """bfloat16 where this CPU multiplies it in hardware (about twice as fast, measured on EPYC), else float32."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return torch.bfloat16 if supported() else torch.float32


@torch.inference_mode()
def self_generated(checkpoint: Checkpoint, say: Any) -> torch.Tensor:
    """Token ids int64 [SEQUENCES, n], n ≤ SEQUENCE_TOKENS: sampled from the model at temperature 1, seeded."""
    model = checkpoint.load_model().to(fast_type())
    generator = torch.Generator().manual_seed(0)
    vocabulary = int(model.get_input_embeddings().weight.shape[0])
    tokenizer = checkpoint.tokenizer
    ordinary = torch.tensor(sorted(set(range(min(vocabulary, len(tokenizer)))) - set(tokenizer.all_special_ids)))
    tokens = ordinary[torch.randint(len(ordinary), (SEQUENCES, 1), generator=generator)]
    if tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id:
        tokens = torch.cat([torch.full_like(tokens, tokenizer.bos_token_id), tokens], dim=1)
    length = min(SEQUENCE_TOKENS, int(getattr(model.config, "max_position_embeddings", None) or SEQUENCE_TOKENS))
    cache, following = None, tokens
    while tokens.shape[1] < length:
        say(f"  calibration text: the model writes token {tokens.shape[1] + 1} of {length}, {SEQUENCES} texts at once")
        output = model(following, past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        probabilities = output.logits[:, -1, : len(tokenizer)].float().softmax(dim=-1)
        following = torch.multinomial(probabilities, 1, generator=generator)
        tokens = torch.cat([tokens, following], dim=1)
    return tokens


class _LayerInputs:
    """The hidden states of all sequences at the input of the next layer, float32 [LAYER_BATCH, n, hidden] each."""

    def __init__(self, hidden: list[torch.Tensor], calls: list[tuple[tuple[Any, ...], dict[str, Any]]]) -> None:
        self.hidden = hidden
        self.calls = calls  # per layer: its other arguments, equal for all sequences (positions and masks)

    @torch.no_grad()
    def advance(
        self,
        layer: Any,
        index: int,
        matmuls: Sequence[Matmul],
        blocks: dict[str, Int4Blocks],
        exact: Mapping[str, Int4Blocks],
    ) -> None:
        """Quantise the layer's matrices on what reaches them through the 4-bit layers before, and go behind it."""
        carried = {matmul.name: exact[f"{matmul.name}.weight"] for matmul in matmuls if f"{matmul.name}.weight" in exact}
        blocks.update(carried)
        for matmul, hessian in self._hessians(layer, index, [matmul for matmul in matmuls if matmul.name not in carried]):
            blocks[matmul.name] = gptq_blocks(matmul.weight, hessian)
        for matmul in matmuls:
            if matmul.name in blocks:
                matmul.set_blocks(blocks[matmul.name])
        self.hidden = [self._run(layer, index, hidden) for hidden in self.hidden]

    def _run(self, layer: Any, index: int, hidden: torch.Tensor) -> torch.Tensor:
        arguments, options = self.calls[index]
        output = layer(hidden, *arguments, **options)
        result: torch.Tensor = output[0] if isinstance(output, tuple) else output
        return result

    def _hessians(self, layer: Any, index: int, matmuls: Sequence[Matmul]) -> Iterator[tuple[Matmul, torch.Tensor]]:
        """Σ x xᵀ of each matrix's inputs, each x of norm 1. Matrices that read the same tensor share one sum."""
        sums: dict[str, torch.Tensor] = {}
        sharing: dict[str, str] = {}
        for hidden in self.hidden:
            seen = self._inputs_of(layer, index, matmuls, hidden)
            first = {id(x): name for name, x in reversed(seen.items())}
            for name, x in seen.items():
                owner = sharing.setdefault(name, first[id(x)])
                if owner == name:  # the group's first
                    flat = functional.normalize(x.flatten(0, -2).float(), dim=1)
                    sums[name] = sums[name].addmm_(flat.T, flat) if name in sums else flat.T @ flat
        for matmul in matmuls:
            owner = matmul.group = sharing.get(matmul.name, "")
            if owner in sums and matmul.weight.shape[0] >= BLOCK:  # fewer outputs: an expert router, which stays float
                yield matmul, sums[owner]

    def _inputs_of(self, layer: Any, index: int, matmuls: Sequence[Matmul], hidden: torch.Tensor) -> dict[str, torch.Tensor]:
        seen: dict[str, torch.Tensor] = {}
        with contextlib.ExitStack() as hooks:
            for matmul in matmuls:

                def keep(_: Any, arguments: tuple[torch.Tensor, ...], name: str = matmul.name) -> None:
                    seen[name] = arguments[0]

                hooks.callback(matmul.module.register_forward_pre_hook(keep).remove)
            self._run(layer, index, hidden)
        return seen


@torch.no_grad()
def _layer_inputs(model: Any, layers: Sequence[tuple[Any, Any]], tokens: torch.Tensor) -> _LayerInputs:
    """What reaches the first layer, and with which other arguments each layer is called."""
    hidden: list[torch.Tensor] = []
    calls: dict[int, tuple[tuple[Any, ...], dict[str, Any]]] = {}
    if not layers:
        raise TypeError("no list of layers was found")
    with contextlib.ExitStack() as hooks:
        for index, (layer, _) in enumerate(layers):

            def keep(_: Any, arguments: tuple[Any, ...], options: dict[str, Any], index: int = index) -> None:
                if not arguments:
                    raise TypeError("hidden states are not its first argument")
                calls[index] = (arguments[1:], options)
                if index == 0:
                    hidden.append(arguments[0])

            hooks.callback(layer.register_forward_pre_hook(keep, with_kwargs=True).remove)
        for batch in tokens.split(LAYER_BATCH):
            model(batch, use_cache=False)
    return _LayerInputs(hidden, [calls[index] for index in range(len(layers))])


def _choose_wide(model: Any, matmuls: Sequence[Matmul], tokens: torch.Tensor, parameters: int) -> list[Matmul]:
    """The matrices to keep 8-bit: those with the steepest descent of KL(float ‖ 4-bit) per bit, while bits are left.

    One backward pass gives the slope of each: what happens as its float weights are blended in. Matrices that read the
    same input go together, since graphs pack them into one.
    """
    if not matmuls:
        return []
    for matmul in matmuls:
        matmul.widening = torch.zeros((), requires_grad=True)
    for batch in tokens[:WIDENING_SEQUENCES].split(TUNING_BATCH):
        _divergence(model, matmuls, batch).backward()
    groups: dict[str, list[Matmul]] = {}
    for matmul in matmuls:
        groups.setdefault(matmul.group, []).append(matmul)
    ranked = sorted(groups.values(), key=lambda group: sum(map(_benefit, group)) / sum(map(_size, group)), reverse=True)
    narrow = sum(map(_size, matmuls))
    spare_bits = (MAX_BITS_PER_WEIGHT - _OVERHEAD_BITS) * parameters
    spare_bits -= _NARROW_BITS * narrow + _EMBEDDING_BITS * (parameters - narrow)
    wide: list[Matmul] = []
    for group in ranked:
        cost_bits = (_WIDE_BITS - _NARROW_BITS) * sum(map(_size, group))
        if cost_bits <= spare_bits and sum(map(_benefit, group)) > 0:
            spare_bits -= cost_bits
            wide += group
    for matmul in matmuls:
        matmul.widening = None
    return wide


def _size(matmul: Matmul) -> int:
    return matmul.weight.numel()


def _benefit(matmul: Matmul) -> float:
    assert matmul.widening is not None
    return 0.0 if matmul.widening.grad is None else -float(matmul.widening.grad)


def _tune(model: Any, matmuls: Sequence[Matmul], tokens: torch.Tensor, say: Any) -> None:
    """Fit the gains of all blocks: Adam, one pass over the text, learning rate falling as a cosine to 0."""
    gains = []
    for matmul in matmuls:
        matmul.gain = torch.zeros_like(matmul.scales, requires_grad=True)
        gains.append(matmul.gain)
    if not gains:
        return
    optimizer = torch.optim.Adam(gains, lr=LEARNING_RATE, betas=(0.9, 0.95))
    batches = tokens.split(TUNING_BATCH)
    for step, batch in enumerate(batches):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * step / len(batches)))
        loss = _divergence(model, matmuls, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        say(f"  scales: step {step + 1} of {len(batches)}, KL {loss.item():.4f}")


def _divergence(model: Any, matmuls: Sequence[Matmul], tokens: torch.Tensor) -> torch.Tensor:
    """KL(float ‖ 4-bit) in nats per token, with gradients."""
    with torch.no_grad():
        expected = functional.log_softmax(_logits(model, matmuls, tokens, torch.float32, use_codes=False), dim=-1)
    found = functional.log_softmax(_logits(model, matmuls, tokens, fast_type(), use_codes=True), dim=-1)
    return functional.kl_div(found, expected, log_target=True, reduction="batchmean")


def _logits(model: Any, matmuls: Sequence[Matmul], tokens: torch.Tensor, dtype: torch.dtype, *, use_codes: bool) -> torch.Tensor:
    """float32 [tokens, vocabulary] of the float model or the 4-bit one, its matrices multiplied in `dtype`."""
    for matmul in matmuls:
        matmul.use_codes, matmul.dtype = use_codes, dtype
    logits: torch.Tensor = model(tokens, use_cache=False).logits.flatten(0, 1)
    return logits


def _with_gain(blocks: Int4Blocks, matmul: Matmul) -> Int4Blocks:
    if matmul.gain is None:
        return blocks
    scales = (matmul.scales * (1 + matmul.gain.detach())).half().numpy()
    return Int4Blocks(blocks.values, scales, blocks.zero_points)
