"""What a user may say about an export beside source, folder and variants. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TASKS = ("chat", "completion")


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """`revision` of a Hugging Face id; `adapter`: folder of a PEFT LoRA adapter; `chat_template`: a known name or a file.

    `task`: one of TASKS, or None for what the checkpoint allows; `allow_pickle`: read *.bin weights where there are no
    safetensors, by torch.load(weights_only=True).
    """

    revision: str | None = None
    adapter: Path | None = None
    chat_template: str | None = None
    task: str | None = None
    allow_pickle: bool = False
