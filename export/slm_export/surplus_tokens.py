"""Tokens that a tokenizer has and the model's embedding has not: Gemma 3 1B's image token, padding that was added later.

Such a token would read beyond the embedding (an IndexError in PyTorch, anything on a GPU), so the tokenizer forgets it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from slm_export.errors import SourceError
from slm_export.golden import special_tokens

_NAMED = ("tokenizer_config.json", "special_tokens_map.json")
_LISTS = ("additional_special_tokens", "extra_special_tokens")


def drop_surplus_tokens(folder: Path, rows: int, chat_template: str | None) -> None:
    """Rewrite the tokenizer's files in `folder` without the added tokens from id `rows` on.

    Raises: SourceError where the model could not do without them, or the tokenizer is another model's.
    """
    path = folder / "tokenizer.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exceptions
        raise SourceError(f"The tokenizer.json of the checkpoint cannot be read: {error}. Get it again.") from error
    surplus = {token for token, index in tokenizer.get_vocab().items() if index >= rows}
    if not surplus:
        return
    files = {name: json.loads((folder / name).read_text(encoding="utf-8")) for name in _NAMED if (folder / name).is_file()}
    used = {text for named in files.values() for name, text in special_tokens(named).items() if name != "pad_token"}
    needed = sorted(surplus & tokenizer.get_vocab(with_added_tokens=False).keys())
    needed += sorted(token for token in surplus if token in used or token in (chat_template or ""))
    if needed:
        raise SourceError(
            f"The tokenizer has {tokenizer.get_vocab_size():,} tokens, the model's embedding {rows:,} rows: the model has never "
            f"seen {', '.join(needed[:3])}{' …' if len(needed) > 3 else ''}. The tokenizer may be another model's. Take the one "
            "that belongs to it, or save the model again after `model.resize_token_embeddings(len(tokenizer))`."
        )
    content["added_tokens"] = [entry for entry in content["added_tokens"] if entry["id"] < rows]
    _write(path, content)
    for name, named in files.items():
        _write(folder / name, _without(named, surplus))


def _without(named: dict[str, Any], surplus: set[str]) -> dict[str, Any]:
    """Settings that do not speak of the tokens `surplus`; transformers would add them again."""
    kept = {key: value for key, value in named.items() if special_tokens({key: value}).get(key) not in surplus}
    for key in _LISTS:
        if isinstance(kept.get(key), list):
            kept[key] = [entry for entry in kept[key] if (entry["content"] if isinstance(entry, dict) else entry) not in surplus]
    if "added_tokens_decoder" in kept:
        stated = kept["added_tokens_decoder"].items()
        kept["added_tokens_decoder"] = {index: entry for index, entry in stated if entry["content"] not in surplus}
    return kept


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
