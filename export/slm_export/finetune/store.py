"""The adapter folder while it grows: whole at every moment, each checkpoint replacing the last by renaming.

adapter_config.json, adapter_model.safetensors   the adapter, float16, usable at any checkpoint
chat_template.jinja, task.json                   how to ask it: template, words before the text, labels
README.md, training/log.jsonl, training/loss.svg model card, figures of every step, their plot
training/state.pt                                LoRA in float32, optimizer, counters: for --resume; gone at the end
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from slm_export.adapter import CONFIG_NAME, TASK_NAME, WEIGHTS_NAME
from slm_export.chat_templates import FILE_NAME as TEMPLATE_NAME
from slm_export.errors import ExportError, SourceError
from slm_export.finetune.curve import loss_svg

STATE = Path("training") / "state.pt"
LOG = Path("training") / "log.jsonl"


@dataclass(slots=True)
class Counters:
    """What has been done: optimizer steps, seconds of training, tokens and examples seen."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    examples: int = 0


@dataclass(frozen=True, slots=True)
class Texts:
    """What lies beside the weights. `task`: the content of task.json."""

    template: str
    task: Mapping[str, Any]
    card: str


def save(out: Path, model: Any, texts: Texts, log: Sequence[Mapping[str, Any]], state: Mapping[str, Any] | None) -> None:
    """Write the whole folder beside `out`, then put it in its place. `state` None: the end, nothing to resume."""
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "training").mkdir(parents=True)
    _save_adapter(model, part)
    (part / TEMPLATE_NAME).write_text(texts.template, encoding="utf-8")
    (part / TASK_NAME).write_text(json.dumps(texts.task, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (part / "README.md").write_text(texts.card, encoding="utf-8")
    (part / LOG).write_text("".join(json.dumps(entry) + "\n" for entry in log), encoding="utf-8")
    (part / "training" / "loss.svg").write_text(loss_svg(log), encoding="utf-8")
    if state is not None:
        torch.save(dict(state), part / STATE)
    _install(part, out)


def _save_adapter(model: Any, folder: Path) -> None:
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    weights = get_peft_model_state_dict(model, save_embedding_layers=False)  # type: ignore[no-untyped-call]
    halves = {name: tensor.detach().to("cpu", torch.float16).contiguous() for name, tensor in weights.items()}
    save_file(halves, folder / WEIGHTS_NAME, metadata={"format": "pt"})
    config = model.peft_config["default"]
    was_inference, config.inference_mode = config.inference_mode, True
    config.save_pretrained(str(folder))
    config.inference_mode = was_inference
    path = folder / CONFIG_NAME  # sets come out in any order: the same adapter is the same file
    fields = {key: sorted(value) if isinstance(value, list) else value for key, value in json.loads(path.read_text()).items()}
    path.write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _install(part: Path, out: Path) -> None:
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.replace(old)
    part.replace(out)
    shutil.rmtree(old, ignore_errors=True)


def restore(out: Path) -> None:
    """Put back the last whole folder where a crash fell between the two renames."""
    old = out.with_name(f".{out.name}.old")
    if old.exists() and not out.exists():
        old.replace(out)


def counters_of(state: Mapping[str, Any]) -> Counters:
    """The counters of a saved state."""
    return Counters(**state["counters"])


def state_of(model: Any, optimizer: Any, counters: Counters, inputs: str) -> dict[str, Any]:
    """All that --resume needs; `inputs` says of which data and settings."""
    lora = {name: p.detach().cpu() for name, p in model.named_parameters() if p.requires_grad}
    return {"lora": lora, "optimizer": optimizer.state_dict(), "counters": asdict(counters), "inputs": inputs}


def load_state(out: Path, inputs: str) -> dict[str, Any]:
    """The state of the interrupted training in `out`.

    Raises: SourceError where there is none, or it was of other data or settings.
    """
    restore(out)
    if not (out / STATE).is_file():
        what = "has come to its end: go on from it with --adapter" if (out / WEIGHTS_NAME).is_file() else "is not there"
        raise SourceError(f"Nothing to resume: the training in {out} {what}.")
    try:
        state: dict[str, Any] = torch.load(out / STATE, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever unpickling a damaged file raises
        raise SourceError(f"{out / STATE} cannot be read: {error}. Go on from the adapter with --adapter {out}.") from error
    if state["inputs"] != inputs:
        raise SourceError(
            f"The training in {out} was begun with other data or settings. Give the same, or go on from its adapter with "
            f"--adapter {out} and another --out."
        )
    return state


def read_log(out: Path) -> list[dict[str, Any]]:
    """The figures of the steps so far."""
    return [json.loads(line) for line in (out / LOG).read_text(encoding="utf-8").splitlines()]


def require_free(out: Path) -> None:
    """Raises: ExportError where `out` holds something that is not an adapter made here."""
    restore(out)
    if out.exists() and not (out / LOG).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ExportError(
            f"{out} exists and is not an adapter of slm-export finetune, so it is not overwritten. Choose another --out."
        )
