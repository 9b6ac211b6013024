"""Checkpoints of encoder-decoder and encoder models: which are known, and loading one in PyTorch, float32."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from slm_export.errors import SourceError
from slm_export.optimum_graph import SEQ2SEQ_TASK
from slm_export.sources import Origin

# transformers' architecture class → optimum's task. Each has a tiny checkpoint in the tests that goes all the way to the
# browser; another class of the same family may well work, but nobody has shown it.
TASKS = {
    "T5ForConditionalGeneration": SEQ2SEQ_TASK,
    "MT5ForConditionalGeneration": SEQ2SEQ_TASK,
    "BartForConditionalGeneration": SEQ2SEQ_TASK,
    "BertForSequenceClassification": "text-classification",
    "DistilBertForSequenceClassification": "text-classification",
    "BertForTokenClassification": "token-classification",
    "DistilBertForTokenClassification": "token-classification",
    "BertModel": "feature-extraction",
    "DistilBertModel": "feature-extraction",
}


def architecture_of(path: Path) -> str:
    """The first class in `architectures` of the folder's config.json; '' where there is none (a GGUF file has none)."""
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        return str(config["architectures"][0])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return ""


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A loaded checkpoint; `folder` is where it came from."""

    folder: Path
    architecture: str
    model: Any  # transformers.PreTrainedModel, float32, eval
    tokenizer: PreTrainedTokenizerFast

    @property
    def is_seq2seq(self) -> bool:
        return TASKS[self.architecture] == SEQ2SEQ_TASK

    @property
    def parameters(self) -> int:
        """Weights, each tied matrix counted once."""
        return sum(parameter.numel() for parameter in self.model.parameters())


def load_pretrained(origin: Origin) -> Pretrained:
    """Load the Hugging Face folder of `origin`, whose architecture is one of TASKS.

    Raises: SourceError for a missing tokenizer, unreadable or missing weights, or weights that are not finite.
    """
    folder, architecture = origin.path, architecture_of(origin.path)
    if not (folder / "tokenizer.json").is_file():
        raise SourceError(
            f"{folder} has no tokenizer.json. Save the model's fast tokenizer beside it (tokenizer.save_pretrained), "
            "then try again."
        )
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    # The pooler of a plain BERT serves next-sentence prediction; sentence vectors do not use it, and some lack it.
    options = {"add_pooling_layer": False} if architecture == "BertModel" else {}
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            loaded: Any = getattr(transformers, architecture).from_pretrained(
                folder, dtype=torch.float32, use_safetensors=not origin.is_pickle, output_loading_info=True, **options
            )
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    except Exception as error:  # safetensors raises its own SafetensorError, a bare Exception subclass
        raise SourceError(
            f"{folder} cannot be loaded as a {architecture}: {error}. It may be cut short; get it again."
        ) from error
    model, report = loaded
    missing = sorted(report["missing_keys"])
    if missing:
        raise SourceError(
            f"{folder} lacks {len(missing)} of the weights that a {architecture} has ({', '.join(missing[:3])} …). "
            "The checkpoint is incomplete: get it again."
        )
    bad = [name for name, tensor in model.state_dict().items() if not torch.isfinite(tensor).all()]
    if bad:
        raise SourceError(
            f"{folder.name} holds values that are not finite (NaN or infinity) in {', '.join(bad[:3])}. "
            "The checkpoint is broken: get it again, or ask its author."
        )
    return Pretrained(folder, architecture, model.eval(), tokenizer)
