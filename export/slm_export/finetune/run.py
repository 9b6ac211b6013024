"""A whole fine-tuning: base model, data, LoRA, the loop, the adapter folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from slm_export import checkpoint as checkpoints
from slm_export.chat_templates import FILE_NAME as TEMPLATE_NAME
from slm_export.chat_templates import known_templates
from slm_export.download import sha256_of
from slm_export.errors import SourceError
from slm_export.families import context_length
from slm_export.finetune import store
from slm_export.finetune.batches import plan
from slm_export.finetune.card import adapter_card
from slm_export.finetune.encode import Encoded, Encoder
from slm_export.finetune.estimate import estimate, need_lines
from slm_export.finetune.examples import Columns, Example, labels_of, read_examples, split
from slm_export.finetune.loop import Pace, Training
from slm_export.finetune.model import Lora, trainable, with_adapter, with_lora
from slm_export.finetune.schedule import Limits
from slm_export.kind_choice import is_decoder
from slm_export.options import ExportOptions
from slm_export.output_lock import output_lock
from slm_export.progress import Reporter
from slm_export.sources import Origin, resolve


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user says. `epochs` over the data, or fewer `steps`, or fewer `minutes`; `task` names the bundle's task."""

    base: str
    data: Path
    out: Path
    downloads: Path
    held_out: Path | None = None
    columns: Columns = field(default_factory=Columns)
    task: str | None = None
    chat_template: str | None = None
    adapter: Path | None = None
    lora: Lora = field(default_factory=Lora)
    lr: float = 8e-4
    epochs: float = 1.0
    steps: int | None = None
    minutes: float = 0.0
    batch_tokens: int = 1024
    max_tokens: int = 512
    precision: str = "auto"
    seed: int = 0
    save_seconds: float = 180.0
    eval_steps: int | None = None
    resume: bool = False
    dry_run: bool = False


def finetune(settings: Settings, reporter: Reporter) -> Path:
    """Train and write the adapter to `settings.out`; returns that folder.

    Raises: SlmError of any kind, ExportInterrupted for Ctrl-C, after which the folder holds a usable adapter.
    """
    from accelerate import Accelerator

    store.require_free(settings.out)
    train, held = _examples(settings)
    origin = resolve(settings.base, downloads=settings.downloads, reporter=reporter, options=_options(settings))
    if not is_decoder(origin):
        raise SourceError(f"{origin.name} is no decoder language model; only those can be fine-tuned here.")
    accelerator = Accelerator(mixed_precision="bf16" if _use_bf16(settings.precision) else "no")
    reporter = reporter if accelerator.is_main_process else Reporter(quiet=True)
    lock = output_lock(settings.out, "training") if accelerator.is_main_process else contextlib.nullcontext()
    with lock, _loaded(origin, accelerator, reporter) as checkpoint:
        _train(settings, checkpoint, origin, (train, held), accelerator, reporter)
    return settings.out


def _examples(settings: Settings) -> tuple[list[Example], list[Example]]:
    found = read_examples(settings.data, settings.columns)
    if settings.held_out is None:
        return split(found, settings.seed)
    return found, read_examples(settings.held_out, settings.columns)


def _options(settings: Settings) -> ExportOptions:
    """The base with the template to train with: the user's, the adapter's that is gone on from, the base's own."""
    template = settings.chat_template
    if template is None and settings.adapter and (settings.adapter / TEMPLATE_NAME).is_file():
        template = str(settings.adapter / TEMPLATE_NAME)
    return ExportOptions(chat_template=template)


def _use_bf16(precision: str) -> bool:
    """bfloat16 products where the processor has instructions for them: on others they are slower than float32."""
    if precision != "auto":
        return precision == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())


@contextlib.contextmanager
def _loaded(origin: Origin, accelerator: Any, reporter: Reporter) -> Iterator[checkpoints.Checkpoint]:
    """The base as a float32 checkpoint in a folder of this process, which goes away."""
    with tempfile.TemporaryDirectory(prefix="slm-finetune-") as folder:
        with reporter.step(f"Loading {origin.name} in PyTorch (float32)"):
            checkpoint = checkpoints.load(origin, Path(folder))
        if checkpoint.chat_template is None:
            raise SourceError(
                f"{origin.name} has no chat template, so there is no way to ask it. Choose one with --chat-template NAME or FILE "
                f"(known: {', '.join(known_templates())}); chatml and plain suit most base models."
            )
        yield checkpoint


def _train(
    settings: Settings,
    checkpoint: checkpoints.Checkpoint,
    origin: Origin,
    data: tuple[list[Example], list[Example]],
    accelerator: Any,
    reporter: Reporter,
) -> None:
    torch.manual_seed(settings.seed)
    train, held = _encode(settings, checkpoint, data, reporter)
    model = checkpoint.load_model()
    model = with_adapter(model, settings.adapter) if settings.adapter else with_lora(model, settings.lora, origin.id)
    epoch_steps = -(-len(plan([len(e) for e in train], settings.batch_tokens, settings.seed)) // accelerator.num_processes)
    steps = settings.steps or max(1, round(settings.epochs * epoch_steps))
    bits = "bfloat16 products" if accelerator.mixed_precision == "bf16" else "float32"
    reporter.say(
        f"{len(train):,} examples ({len(held):,} held out), {trainable(model):,} LoRA parameters, {steps:,} steps, {bits}, "
        f"{accelerator.num_processes} process{'es' if accelerator.num_processes > 1 else ''} on {accelerator.device.type}"
    )
    where = {"is_cpu": accelerator.device.type == "cpu", "is_bf16": accelerator.mixed_precision == "bf16"}
    need = estimate(model, train, settings.batch_tokens, steps / epoch_steps, **where)
    for line in need_lines(need, settings.minutes):
        reporter.say(line)
    if settings.dry_run:
        return
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=settings.lr, weight_decay=0.0)
    inputs = _inputs(settings, origin, checkpoint)
    state = store.load_state(settings.out, inputs) if settings.resume else None
    if state:
        model.load_state_dict(state["lora"], strict=False)
    model, optimizer = accelerator.prepare(model, optimizer)
    if state:
        optimizer.load_state_dict(state["optimizer"])
    Training(
        accelerator=accelerator,
        model=model,
        optimizer=optimizer,
        train=train,
        held=held,
        pad=checkpoint.tokenizer.pad_token_id or 0,
        pace=Pace(settings.lr, settings.batch_tokens, settings.seed, settings.save_seconds, settings.eval_steps),
        limits=Limits(steps, settings.minutes),
        out=settings.out,
        texts=_texts(settings, checkpoint, origin, data[0], bits),
        inputs=inputs,
        reporter=reporter,
        counters=store.counters_of(state) if state else store.Counters(),
        log=store.read_log(settings.out) if state else [],
    ).run()


def _encode(
    settings: Settings,
    checkpoint: checkpoints.Checkpoint,
    data: tuple[list[Example], list[Example]],
    reporter: Reporter,
) -> tuple[list[Encoded], list[Encoded]]:
    ends = checkpoint.load_model().generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    known = {checkpoint.tokenizer.eos_token_id, *listed} - {None}
    encoder = Encoder(checkpoint.tokenizer, checkpoint.chat_template or "", sorted(known))
    most = min(settings.max_tokens, context_length(checkpoint.config))
    (train, long_train), (held, long_held) = (encoder.encode_all(part, most) for part in data)
    if long_train + long_held:
        reporter.say(f"{long_train + long_held:,} examples of more than {most} tokens (--max-tokens) are left out")
    if not train or not held:
        raise SourceError(f"No example has at most {most} tokens. Raise --max-tokens, or give shorter examples.")
    return train, held


def _inputs(settings: Settings, origin: Origin, checkpoint: checkpoints.Checkpoint) -> str:
    """A digest of what decides the steps: a training is resumed only with the same."""
    stated = {
        "base": [origin.source.kind, origin.source.sha256],
        "data": [sha256_of(path) for path in (settings.data, settings.held_out) if path],
        "template": checkpoint.chat_template,
        "columns": asdict(settings.columns),
        "lora": asdict(settings.lora),
        "numbers": [settings.lr, settings.batch_tokens, settings.max_tokens, settings.seed],
    }
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()


def _texts(
    settings: Settings, checkpoint: checkpoints.Checkpoint, origin: Origin, train: list[Example], bits: str
) -> store.Texts:
    recipe = {
        "data": f"{settings.data.name}, {len(train):,} examples",
        "LoRA": f"rank {settings.lora.rank}, alpha {settings.lora.alpha}, all linear layers",
        "learning rate": f"{settings.lr:g}, cosine",
        "batch": f"{settings.batch_tokens:,} tokens a process",
        "seed": settings.seed,
        "precision": bits,
    }
    if settings.adapter:
        recipe["went on from"] = settings.adapter.resolve().name
    labels = labels_of(train) if settings.data.suffix != ".jsonl" else ()
    task = {
        "name": settings.out.resolve().name,
        "base": origin.id,
        "task": settings.task,
        "prefix": settings.columns.prefix,
        "least_gain": None,
        "labels": list(labels),
        "recipe": recipe,
    }
    return store.Texts(checkpoint.chat_template or "", task, adapter_card(task))
