"""Checkpoints of encoder-decoder and encoder models: which are known, and loading one in PyTorch, float32."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from slm_export.errors import SourceError
from slm_export.loaded_weights import require_all_weights, require_finite
from slm_export.memory import return_freed_memory
from slm_export.optimum_graph import SEQ2SEQ_TASK
from slm_export.sources import Origin
from slm_export.surplus_tokens import drop_surplus_tokens
from slm_export.tokenizer import write_folder_tokenizer

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


# Files of sentence-transformers that say how a text's hidden states become one vector.
SENTENCE_FILES = ("modules.json", "1_Pooling/config.json", "sentence_bert_config.json")
_SPECIAL_TOKENS = "special_tokens_map.json"  # older tokenizers name theirs only there


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A model ready for export. `folder` holds config.json, model*.safetensors (float32) and the tokenizer's files."""

    folder: Path
    architecture: str
    config: Any  # transformers.PretrainedConfig
    generation: Any  # transformers.GenerationConfig, None for an encoder
    tokenizer: PreTrainedTokenizerFast
    parameters: int  # each tied matrix counted once
    embedding_rows: int

    @property
    def is_seq2seq(self) -> bool:
        return TASKS[self.architecture] == SEQ2SEQ_TASK

    def load_model(self) -> Any:
        """The PyTorch model (transformers.PreTrainedModel, float32, eval), a new one at each call."""
        return _open_model(self.folder, self.architecture)


def load(origin: Origin, work: Path) -> Pretrained:
    """Load the Hugging Face folder of `origin`, whose architecture is one of TASKS, and write it to `work` in float32.

    Raises: SourceError for a missing tokenizer, unreadable or missing weights, or weights that are not finite.
    """
    folder, architecture = origin.path, architecture_of(origin.path)
    work.mkdir(parents=True, exist_ok=True)
    write_folder_tokenizer(folder, work)
    for name in (*SENTENCE_FILES, _SPECIAL_TOKENS):
        if (folder / name).is_file():
            (work / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(folder / name, work / name)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            loaded: Any = _class(architecture).from_pretrained(
                folder,
                dtype=torch.float32,
                use_safetensors=not origin.is_pickle,
                output_loading_info=True,
                **_options(architecture),
            )
    except Exception as error:  # safetensors raises its own SafetensorError, a bare Exception subclass
        raise SourceError(
            f"{folder} cannot be loaded as a {architecture}: {error}. It may be cut short; get it again."
        ) from error
    model, report = loaded
    require_all_weights(model, report, folder)
    require_finite(model, folder.name)
    drop_surplus_tokens(work, len(model.get_input_embeddings().weight), None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that settings of generation move to generation_config.json
        model.save_pretrained(work)
    del model, loaded
    return_freed_memory()
    return reopen(work)


def reopen(folder: Path) -> Pretrained:
    """The checkpoint that `load` wrote to `folder` before.

    Raises: SourceError for a tokenizer that cannot be read.
    """
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    architecture = architecture_of(folder)
    model = _open_model(folder, architecture)
    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    except Exception as error:  # tokenizers raises bare Exceptions
        raise SourceError(f"The tokenizer.json of the checkpoint cannot be read: {error}. Get it again.") from error
    return Pretrained(
        folder=folder,
        architecture=architecture,
        config=model.config,
        generation=model.generation_config if model.can_generate() else None,
        tokenizer=tokenizer,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        embedding_rows=int(model.get_input_embeddings().weight.shape[0]),
    )


def _class(architecture: str) -> Any:
    return getattr(transformers, architecture)


def _options(architecture: str) -> dict[str, Any]:
    """The pooler of a plain BERT serves next-sentence prediction; sentence vectors do not use it, and some lack it."""
    return {"add_pooling_layer": False} if architecture == "BertModel" else {}


def _open_model(folder: Path, architecture: str) -> Any:
    options = {"dtype": torch.float32, "use_safetensors": True, **_options(architecture)}
    return _class(architecture).from_pretrained(folder, **options).eval()
