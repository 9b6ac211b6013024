"""LoRA adapters in PEFT's format: checked against the model they are for, then merged into it in float32.

LoRA: https://arxiv.org/abs/2106.09685. The peft library merges (ranks and alphas by pattern, rsLoRA, saved modules);
what it would accept without a word or refuse without a reason is checked here first.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slm_export.download import sha256_of
from slm_export.errors import SourceError
from slm_export.manifest import Adapter
from slm_export.manifest_model import Margin

CONFIG_NAME = "adapter_config.json"
WEIGHTS_NAME = "adapter_model.safetensors"
TASK_NAME = "task.json"  # what `slm-export finetune` says of the adapter's task, see read_task
_PREFIX = "base_model.model."
_OTHER_KINDS = {"use_dora": "DoRA", "use_qalora": "QALoRA", "lora_bias": "LoRA with biases", "megatron_config": "Megatron"}


def read_adapter(folder: Path) -> Adapter:
    """Name and digest of the adapter in `folder`, after its configuration has been found to be one that can be merged.

    Raises: SourceError for a folder that is no LoRA adapter for language models, or one of a kind that is not merged.
    """
    config = _config(folder)
    kind, task = config.get("peft_type"), config.get("task_type")
    if kind != "LORA":
        raise SourceError(f"The adapter {folder} is of kind {kind}; only LORA can be merged. Merge it with peft first.")
    if task not in (None, "CAUSAL_LM"):
        raise SourceError(f"The adapter {folder} is for the task {task}; only CAUSAL_LM can be merged. Choose another adapter.")
    other = [name for key, name in _OTHER_KINDS.items() if config.get(key)]
    if config.get("bias", "none") != "none":
        other.append(f"bias={config['bias']}")
    if other:
        raise SourceError(
            f"The adapter {folder} uses {', '.join(other)}, which is not merged here. "
            "Merge it with peft (merge_and_unload, save_pretrained) and give the merged folder as SOURCE."
        )
    if not (folder / WEIGHTS_NAME).is_file():
        raise SourceError(f"The adapter {folder} has no {WEIGHTS_NAME}; pickle weights of adapters are not read. Convert it.")
    return Adapter(folder.resolve().name, sha256_of(folder / WEIGHTS_NAME))


@dataclass(frozen=True, slots=True)
class AdapterTask:
    """The task that an adapter was trained for: its name in the manifest, and the words before every text.

    `least_gain` and `margins` are the manifest's: the tuned threshold of a correction, and what kinds of edits need beyond it,
    in nats.
    """

    task: str
    prefix: str
    least_gain: float | None = None
    margins: tuple[Margin, ...] = ()


def read_task(folder: Path) -> AdapterTask | None:
    """The adapter's task; None where it names none, as adapters made elsewhere.

    Raises: SourceError for a file of another form.
    """
    path = folder / TASK_NAME
    if not path.is_file():
        return None
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        task, prefix, gain = fields["task"], fields["prefix"], fields.get("least_gain")
        margins = tuple(Margin(str(kind), float(nats)) for kind, nats in fields.get("margins", {}).items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"{path} cannot be read ({error!r}). Train the adapter again, or remove the file.") from error
    if task is None:
        return None
    if not (isinstance(task, str) and task and isinstance(prefix, str)) or not (gain is None or isinstance(gain, (int, float))):
        raise SourceError(f"{path}: task and prefix must be texts, least_gain a number or null. Train the adapter again.")
    return AdapterTask(task, prefix, gain, margins)


def base_note(folder: Path, names: tuple[str, str]) -> str | None:
    """A warning where the adapter names another base model than `names`: its id here, and where it comes from."""
    base = str(_config(folder).get("base_model_name_or_path") or "")
    if not base or Path(base).name.lower() in [name.rpartition("/")[2].lower() for name in names]:
        return None
    return f"Warning: the adapter was trained on {Path(base).name}, and is merged into {names[1]}"


def require_adapter_fits(model: Any, folder: Path) -> set[str]:
    """Check every tensor of the adapter against the transformers model; returns the tensors' names.

    Raises: SourceError where the adapter does not fit.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / WEIGHTS_NAME, framework="pt") as file:
            names = file.keys()
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
    except (SafetensorError, OSError) as error:
        raise SourceError(f"The adapter {folder} cannot be merged: {error}. It may be cut short: get it again.") from error
    _require_fit(model, _config(folder), shapes, folder)
    return set(shapes)


def merge_adapter(model: Any, folder: Path) -> Any:
    """The transformers model (float32) with the adapter merged into its weights.

    Raises: SourceError where the adapter does not fit the model.
    """
    from peft import PeftModel, get_peft_model_state_dict

    names = require_adapter_fits(model, folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            adapted: Any = PeftModel.from_pretrained(model, str(folder))
            used = get_peft_model_state_dict(adapted, save_embedding_layers=False)  # type: ignore[no-untyped-call]
            _require_whole(set(used), names, folder)
            merged: Any = adapted.merge_and_unload()
    except (ValueError, KeyError, RuntimeError, OSError) as error:
        raise SourceError(f"The adapter {folder} cannot be merged: {error}. It may be cut short: get it again.") from error
    return merged.eval()


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{folder} is not a LoRA adapter: {CONFIG_NAME} cannot be read ({error}). Give its folder.") from error
    if not isinstance(config, dict):
        raise SourceError(f"{folder} is not a LoRA adapter: {CONFIG_NAME} is not a JSON object. Get it again.")
    return config


def _require_fit(model: Any, config: dict[str, Any], shapes: dict[str, tuple[int, ...]], folder: Path) -> None:
    """Every tensor of the adapter must have its place in the model, of its size."""
    weights = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if not any(".lora_" in name for name in shapes):
        raise SourceError(f"The adapter {folder} holds no LoRA weights. Get it again.")
    for name, shape in shapes.items():
        module, _, part = name.removeprefix(_PREFIX).partition(".lora_")
        weight = weights.get(f"{module}.weight" if part else module)
        if weight is None:
            raise SourceError(
                f"The adapter {folder} changes {module}, which a {type(model).__name__} does not have. "
                "It was trained on another model: choose the one it belongs to as SOURCE."
            )
        _require_shape(module, part, shape, weight, is_transposed=bool(config.get("fan_in_fan_out")), folder=folder)
        is_vocabulary = module.endswith(("embed_tokens", "lm_head", "wte", "embed_tokens.weight", "lm_head.weight", "wte.weight"))
        if is_vocabulary and model.config.tie_word_embeddings:
            raise SourceError(
                f"The adapter {folder} changes {module}, but embedding and head of this model are one matrix. "
                "Merge it with peft and save the model untied, then give that folder as SOURCE."
            )


def _require_whole(wanted: set[str], found: set[str], folder: Path) -> None:
    """peft warns of tensors that lack, which then change nothing or at random, and says nothing of those it does not use."""
    for names, what in ((wanted - found, "lacks"), (found - wanted, f"holds, but its {CONFIG_NAME} does not speak of,")):
        if names:
            raise SourceError(
                f"The adapter {folder} {what} {len(names)} of its tensors ({sorted(names)[0]} …). Its files do not belong "
                "together: get them again."
            )


def _require_shape(
    module: str, part: str, shape: tuple[int, ...], weight: tuple[int, ...], *, is_transposed: bool, folder: Path
) -> None:
    rows, columns = (weight[1], weight[0]) if is_transposed and len(weight) == 2 else (weight[0], weight[-1])
    fits = {
        "A.weight": shape[-1] == columns,
        "B.weight": shape[0] == rows,
        "embedding_A": shape[-1] == weight[0],
        "embedding_B": shape[0] == weight[-1],
    }.get(part, shape == weight)
    if fits:
        return
    is_vocabulary = any(word in module for word in ("embed_tokens", "lm_head", "wte"))
    if is_vocabulary:
        found = shape[-1] if part == "embedding_A" else shape[0]
        raise SourceError(
            f"The adapter {folder} has a vocabulary of {found} tokens, the model one of {weight[0]}: tokens were added when it "
            "was trained. Use the base model and tokenizer that it was trained with, or merge it with peft first."
        )
    raise SourceError(
        f"The adapter {folder} does not fit: {module} is {weight} in the model, and its LoRA {part} is {shape}. "
        "It was trained on a model of another size: choose the one it belongs to as SOURCE."
    )
