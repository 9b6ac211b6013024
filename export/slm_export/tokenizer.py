"""The tokenizer of a GGUF checkpoint as `tokenizer.json`, written exactly as the original one splits text.

transformers' own GGUF conversion gives SmolLM2 a BOS it does not have and no digit splitting (pre-tokenizer `smollm`),
so the file is built here from the GGUF's own vocabulary, merges and pre-tokenizer name (llama.cpp, src/llama-vocab.cpp).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gguf import GGUFReader, TokenType
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from slm_export.errors import SourceError


def _byte_level() -> Any:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def _digits_then_byte_level() -> Any:
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), _byte_level()])


# llama.cpp's name of the pre-tokenizer → the same splitting in Hugging Face tokenizers.
PRE_TOKENIZERS = {"gpt-2": _byte_level, "smollm": _digits_then_byte_level}


def write_gguf_tokenizer(reader: GGUFReader, folder: Path) -> None:
    """Write tokenizer.json, tokenizer_config.json and (if there is one) chat_template.jinja into `folder`.

    Raises: SourceError for a tokenizer kind that is not known.
    """
    kind, pre = _text(reader, "tokenizer.ggml.model"), _text(reader, "tokenizer.ggml.pre")
    if kind != "gpt2" or pre not in PRE_TOKENIZERS:
        raise SourceError(
            f"The GGUF's tokenizer is {kind!r} with pre-tokenizer {pre!r}; known are gpt2 with {', '.join(PRE_TOKENIZERS)}. "
            "Give the model as a Hugging Face folder or id instead: its own tokenizer.json is then used."
        )
    tokens: list[str] = _contents(reader, "tokenizer.ggml.tokens")
    types: list[int] = _contents(reader, "tokenizer.ggml.token_type")
    merges = [tuple(merge.split(" ", 1)) for merge in _contents(reader, "tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = PRE_TOKENIZERS[pre]()
    tokenizer.decoder = decoders.ByteLevel()
    added = (TokenType.CONTROL, TokenType.USER_DEFINED)
    for token, kind_of in zip(tokens, types, strict=True):
        if kind_of in added:
            tokenizer.add_tokens([AddedToken(token, special=kind_of == TokenType.CONTROL, normalized=False)])
    tokenizer.save(str(folder / "tokenizer.json"))

    def special(key: str) -> str | None:
        index = _contents(reader, f"tokenizer.ggml.{key}_token_id")
        return None if index is None else tokens[int(index)]

    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": bool(_contents(reader, "tokenizer.ggml.add_bos_token")),
        "bos_token": special("bos"),
        "eos_token": special("eos"),
        "unk_token": special("unknown"),
        "pad_token": special("padding"),
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    template = _contents(reader, "tokenizer.chat_template")
    if template:
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")


def _contents(reader: GGUFReader, key: str) -> Any:
    field = reader.get_field(key)
    return None if field is None else field.contents()


def _text(reader: GGUFReader, key: str) -> str:
    return str(_contents(reader, key) or "")
