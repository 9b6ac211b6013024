"""`slm-export finetune`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from slm_export.cli_completion import complete_source, complete_template
from slm_export.cli_model import DOWNLOADS, JSON
from slm_export.progress import Reporter

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(short_help="Train a LoRA adapter for your task.")
@click.argument("base", shell_complete=complete_source)
@click.option("--data", type=_FILE, required=True, help="Examples: .jsonl (pairs or chats), .csv or .tsv (texts and labels).")
@click.option("--out", type=_FOLDER, required=True, help="The adapter folder to write.")
@click.option("--held-out", type=_FILE, help="Examples to measure on. Default: one in twenty of --data, 200 at most.")
@click.option("--prefix", default="", help="Words before every text of pairs and labels, such as 'Fix: '.")
@click.option("--text-column", default="text", show_default=True, help="Column of the texts in a CSV file.")
@click.option("--label-column", default="label", show_default=True, help="Column of the labels in a CSV file.")
@click.option("--task", help="Name of the task in the manifest of bundles made with the adapter, such as grammar.")
@click.option("--chat-template", metavar="NAME|FILE", shell_complete=complete_template, help="Default: the base model's own.")
@click.option(
    "--adapter", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Go on from this adapter, with other data."
)
@click.option("--rank", type=click.IntRange(1, 512), default=16, show_default=True, help="Rank of the LoRA matrices.")
@click.option("--lr", type=click.FloatRange(0, min_open=True), default=8e-4, show_default=True, help="Highest learning rate.")
@click.option("--epochs", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True, help="Passes over the data.")
@click.option("--steps", type=click.IntRange(min=1), help="Optimizer steps, instead of --epochs.")
@click.option("--minutes", type=click.FloatRange(0), default=0.0, help="End after so many minutes of training.")
@click.option("--batch-tokens", type=click.IntRange(min=16), default=1024, show_default=True, help="Tokens of a batch.")
@click.option("--max-tokens", type=click.IntRange(min=8), default=512, show_default=True, help="Leave out longer examples.")
@click.option("--precision", type=click.Choice(["auto", "bf16", "fp32"]), default="auto", show_default=True, help="Of products.")
@click.option("--seed", type=int, default=0, show_default=True, help="Order of the examples and start of the weights.")
@click.option("--save-minutes", type=click.FloatRange(0.05), default=3.0, show_default=True, help="Between two checkpoints.")
@click.option("--eval-steps", type=click.IntRange(min=1), help="Measure and save every so many steps instead.")
@click.option("--resume", is_flag=True, help="Go on with the interrupted training in --out.")
@click.option("--dry-run", is_flag=True, help="Say what it would need; train nothing.")
@DOWNLOADS
@JSON
def finetune(  # one parameter an option: click hands them over by name
    base: str,
    data: Path,
    out: Path,
    held_out: Path | None,
    prefix: str,
    text_column: str,
    label_column: str,
    task: str | None,
    chat_template: str | None,
    adapter: Path | None,
    rank: int,
    lr: float,
    epochs: float,
    steps: int | None,
    minutes: float,
    batch_tokens: int,
    max_tokens: int,
    precision: str,
    seed: int,
    save_minutes: float,
    eval_steps: int | None,
    resume: bool,
    dry_run: bool,
    downloads: Path | None,
    as_json: bool,
) -> None:
    """Specialise BASE for one task: train LoRA weights on your examples, with the loss on the answers alone.

    BASE is what `slm-export model` takes: a known name, a .gguf file, a Hugging Face folder or id. --data holds lines of
    {"source": …, "target": …}, chats {"messages": [{"role": …, "content": …}, …]}, or a CSV file of texts and labels. The
    adapter in --out (PEFT) is whole and usable at every checkpoint; Ctrl-C writes one more, --resume goes on.
    Runs on a CPU or GPU as it is, in several processes or on several machines by `accelerate launch` or `torchrun`
    (docs/finetune.md).

    \b
    slm-export finetune smollm2-135m-instruct --data pairs.jsonl --prefix "Fix: " --task grammar --out my-grammar
    slm-export finetune smollm2-135m-instruct --data reviews.csv --prefix "Sentiment: " --epochs 3 --out sentiment
    slm-export finetune owner/model --data chat.jsonl --out mine --minutes 60

    \b
    Next: slm-export model BASE --adapter ADAPTER --out BUNDLE
    """
    from slm_export.finetune.examples import Columns
    from slm_export.finetune.model import Lora
    from slm_export.finetune.run import Settings
    from slm_export.finetune.run import finetune as train

    settings = Settings(
        base=base,
        data=data,
        out=out,
        downloads=downloads or out.absolute().parent / "downloads",
        held_out=held_out,
        columns=Columns(text_column, label_column, prefix),
        task=task,
        chat_template=chat_template,
        adapter=adapter,
        lora=Lora(rank, 2 * rank),
        lr=lr,
        epochs=epochs,
        steps=steps,
        minutes=minutes,
        batch_tokens=batch_tokens,
        max_tokens=max_tokens,
        precision=precision,
        seed=seed,
        save_seconds=60 * save_minutes,
        eval_steps=eval_steps,
        resume=resume,
        dry_run=dry_run,
    )
    train(settings, Reporter(quiet=as_json))
    if dry_run:
        return
    if as_json:
        log = [json.loads(line) for line in (out / "training" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        last = next(entry for entry in reversed(log) if "held_out_loss" in entry)
        click.echo(json.dumps({"adapter": str(out), **last}))
        return
    click.echo(f"Adapter: {out}\nNext: slm-export model {base} --adapter {out} --out BUNDLE")
