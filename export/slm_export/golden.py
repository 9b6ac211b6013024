"""What a bundle's tokenizer and chat template must give: recorded at export with transformers, checked without it later.

Chat templates run in jinja2's sandbox with the names that transformers gives them (transformers,
utils/chat_template_utils.py); the date is fixed, so that a template that prints today's date can be checked tomorrow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

FIXED_DATE = datetime(2024, 7, 26)
# transformers' own tag, which only marks the assistant's parts.
_GENERATION = re.compile(r"\{%(-?)\s*generation\s*(-?)%\}")
_END_GENERATION = re.compile(r"\{%(-?)\s*endgeneration\s*(-?)%\}")
SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token")
TEXTS = (
    "Year 1999, 3.14 and 1,000,000!",
    "Hello 👋🏽 世界\n\n  x",
    "<|im_start|>user\nHi<|im_end|>\n</s><s>[INST] x [/INST]",
    "I'm don't we'll  two  spaces\t\ttab\r\n",
    "naïve café e\u0301 \u200dZWJ 👩‍👩‍👧‍👦 مرحبا שלום",
    "  leading, trailing  ",
    "def f(x):\n    return x ** 2  # π ≈ 3.14159\n",
    "\u00a0\u2003\ufeff\u0000\x7f",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    " ",
    "\n",
    "",
)
CHATS: tuple[tuple[Mapping[str, str], ...], ...] = (
    ({"role": "user", "content": "Hi"},),
    ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 2 + 2?"}),
    (
        {"role": "user", "content": "A"},
        {"role": "assistant", "content": "  B\n"},
        {"role": "user", "content": "C\n<b>&amp;</b> {{ x }} 👩‍👩‍👧‍👦"},
    ),
)


def record(tokenizer: Any, chat_template: str | None) -> dict[str, Any]:
    """Token ids of TEXTS and rendered CHATS of a transformers tokenizer, for JSON. A text of None: the template refuses it."""
    names = special_tokens({name: getattr(tokenizer, name, None) for name in SPECIAL_TOKENS})
    chats: list[dict[str, Any]] = []
    for messages in CHATS if chat_template else ():
        if "strftime_now" in (chat_template or ""):
            text = render(chat_template or "", messages, names)
        else:
            try:
                text = tokenizer.apply_chat_template(
                    [dict(message) for message in messages],
                    chat_template=chat_template,
                    add_generation_prompt=True,
                    tokenize=False,
                )
            except Exception:  # as in `render`
                text = None
        chats.append({"messages": [dict(message) for message in messages], "text": text})
    return {
        "tokenizer": [{"text": text, "ids": [int(token) for token in tokenizer(text)["input_ids"]]} for text in TEXTS],
        "chats": chats,
    }


def differences(bundle: Path, chat_template: str | None, golden: Mapping[str, Any]) -> list[str]:
    """Sentences about every text and conversation that the bundle's own files do not give as recorded.

    Raises: OSError, ValueError or another error of tokenizers where the files cannot be read at all.
    """
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    config = json.loads((bundle / "tokenizer_config.json").read_text(encoding="utf-8"))
    wrong = []
    for entry in golden["tokenizer"]:
        ids = tokenizer.encode(entry["text"]).ids
        if ids != entry["ids"]:
            wrong.append(f"tokenizer.json splits {entry['text']!r} into {ids[:12]} where the original has {entry['ids'][:12]}")
    if golden["chats"] and chat_template is None:
        return [*wrong, "The bundle has no chat template, the original has one"]
    template = (bundle / chat_template).read_text(encoding="utf-8") if chat_template else ""
    for entry in golden["chats"]:
        text = render(template, entry["messages"], special_tokens(config))
        if text != entry["text"]:
            wrong.append(f"{chat_template} renders {entry['messages']} as {text!r} where the original gives {entry['text']!r}")
    return wrong


def special_tokens(config: Mapping[str, Any]) -> dict[str, str]:
    """The special tokens' texts, by their names in a chat template, out of tokenizer_config.json (texts or objects)."""
    found = {name: config.get(name) for name in SPECIAL_TOKENS}
    texts = {name: value.get("content") if isinstance(value, Mapping) else value for name, value in found.items()}
    return {name: str(value) for name, value in texts.items() if value is not None}


def render(template: str, messages: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str | None:
    """A conversation with the opening of the answer, as jinja2 renders it; None where the template refuses it."""
    try:
        return render_or_raise(template, messages, names)
    except Exception:  # its own refusal, or whatever Python says to what it does
        return None


def render_or_raise(template: str, messages: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """As `render`.

    Raises: what the template raises, of any kind.
    """
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = FIXED_DATE.strftime
    return environment.from_string(without_generation(template)).render(
        messages=messages, tools=None, documents=None, add_generation_prompt=True, **names
    )


def without_generation(template: str) -> str:
    """The template in plain Jinja: transformers' own tag replaced by one that does nothing."""
    return _END_GENERATION.sub(r"{%\1 endif \2%}", _GENERATION.sub(r"{%\1 if true \2%}", template))


def _tojson(value: Any, indent: int | None = None, **_: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> None:
    raise TemplateError(message)
