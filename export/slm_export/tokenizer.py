"""The tokenizer of a checkpoint as `tokenizer.json`, written exactly as the original one splits text.

transformers' own GGUF conversion gives SmolLM2 a BOS it does not have and no digit splitting (pre-tokenizer `smollm`),
so the file is built here from the GGUF's own vocabulary, merges and pre-tokenizer name (llama.cpp, src/llama-vocab.cpp).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGUFReader, TokenType
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer

from slm_export.errors import SourceError
from slm_export.golden import SPECIAL_TOKENS, TEXTS
from slm_export.preflight import no_tokenizer

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")

# Regular expressions of llama.cpp's pre-tokenizers (src/llama-vocab.cpp) that are also those of the models' tokenizer.json.
_LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


def _by_case(ending: str, digits: str) -> str:
    """Words split where a capital follows a small letter, as the tokenizers of Mistral Nemo and GPT-4o do."""
    before, upper, lower = r"[^\r\n\p{L}\p{N}]?", r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
    words = f"{before}{upper}*{lower}+{ending}|{before}{upper}+{lower}*{ending}"
    return rf"{words}|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"


_TEKKEN = _by_case("", r"\p{N}")
_GPT_4O = _by_case("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", r"\p{N}{1,3}")


def _byte_level() -> Any:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def _digits_then_byte_level() -> Any:
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), _byte_level()])


def _falcon() -> Any:
    """Punctuation apart, digits in threes."""
    threes = pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), behavior="isolated", invert=False)
    before, digits = pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(individual_digits=False)
    return pre_tokenizers.Sequence([before, _byte_level(), digits, threes])


def _split(pattern: str) -> Any:
    split = pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False)
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


@dataclass(frozen=True, slots=True)
class _Splitting:
    """How a pre-tokenizer of llama.cpp is said in Hugging Face tokenizers."""

    make: Callable[[], Any]
    is_nfc: bool = False
    ignore_merges: bool = False  # a word that is a token stays one, whatever the merges say


# llama.cpp's name of the pre-tokenizer → the same splitting in Hugging Face tokenizers.
PRE_TOKENIZERS = {
    "gpt-2": _Splitting(_byte_level),
    "phi-2": _Splitting(_byte_level),
    "mpt": _Splitting(_byte_level, is_nfc=True),
    "olmo": _Splitting(_byte_level, is_nfc=True),
    "smollm": _Splitting(_digits_then_byte_level),
    "starcoder": _Splitting(_digits_then_byte_level),
    "llama-bpe": _Splitting(lambda: _split(_LLAMA3), ignore_merges=True),
    "qwen2": _Splitting(lambda: _split(_QWEN2), is_nfc=True),
    "dbrx": _Splitting(lambda: _split(_LLAMA3)),  # Phi-4, OLMo 2
    "gpt-4o": _Splitting(lambda: _split(_GPT_4O)),  # Phi-4-mini
    "tekken": _Splitting(lambda: _split(_TEKKEN), ignore_merges=True),  # Ministral 8B, Mistral Nemo
    "falcon": _Splitting(_falcon),
}
_WITH_BOS = ("llama-bpe", "tekken")
_END_OF_TURN = ("<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>")


def write_folder_tokenizer(folder: Path, work: Path) -> None:
    """Copy the tokenizer of a Hugging Face folder to `work`, or make it of vocab.json and merges.txt by transformers.

    Raises: SourceError where there is neither, saying how to make one.
    """
    if (folder / TOKENIZER_FILES[0]).is_file():
        for name in TOKENIZER_FILES:
            if (folder / name).is_file():
                shutil.copyfile(folder / name, work / name)
        _settle_class(folder, work)
        return
    has_parts = (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file()
    try:
        if has_parts:
            AutoTokenizer.from_pretrained(folder, use_fast=True).save_pretrained(work)
    except Exception as error:  # the conversion raises what it likes
        raise SourceError(f"{folder} has no tokenizer.json, and none can be made of its other files: {error}") from error
    if not (work / TOKENIZER_FILES[0]).is_file():
        raise no_tokenizer(folder)


def _settle_class(folder: Path, work: Path) -> None:
    """Write into tokenizer.json and tokenizer_config.json what the class that the latter names adds to them.

    LlamaTokenizerFast and others make the post-processor of `add_bos_token` and the normalizer of `do_lower_case`, whatever
    tokenizer.json says (DeepSeek-R1-Distill-Qwen has a BOS that way); older ones name their special tokens by default or in
    special_tokens_map.json. transformers is what the model is compared with.

    Raises: SourceError for a class that needs a library which is not installed (sentencepiece).
    """
    try:
        plain = Tokenizer.from_file(str(work / TOKENIZER_FILES[0]))
        used = AutoTokenizer.from_pretrained(folder, use_fast=True, trust_remote_code=False)
        backend: Tokenizer = used.backend_tokenizer
        config = json.loads((work / TOKENIZER_FILES[1]).read_text(encoding="utf-8"))
    except ImportError as error:
        raise SourceError(
            f"{folder} names a class for its tokenizer that cannot be used here: {' '.join(str(error).split())[:120]} …. What it "
            "adds to tokenizer.json is not known without it. Install it and try again, or, if tokenizer.json says all by itself, "
            'set "tokenizer_class": "PreTrainedTokenizerFast" in tokenizer_config.json.'
        ) from error
    except Exception:  # of a class that transformers does not know, or cannot make: tokenizer.json is all there is
        return
    if plain.get_vocab_size() != backend.get_vocab_size():
        return  # it has added its default special tokens, which the model never saw
    for each in (plain, backend):
        each.no_truncation()
        each.no_padding()
    if any(plain.encode(text).ids != backend.encode(text).ids for text in TEXTS):
        backend.save(str(work / TOKENIZER_FILES[0]))
    added = {name: token for name, token in used.special_tokens_map.items() if name in SPECIAL_TOKENS and name not in config}
    if added:
        text = json.dumps(config | added, indent=2, ensure_ascii=False)
        (work / TOKENIZER_FILES[1]).write_text(text + "\n", encoding="utf-8")


def write_gguf_tokenizer(reader: GGUFReader, folder: Path) -> None:
    """Write tokenizer.json, tokenizer_config.json and (if there is one) chat_template.jinja into `folder`.

    Raises: SourceError for a tokenizer kind that is not known.
    """
    kind, pre = _text(reader, "tokenizer.ggml.model"), _text(reader, "tokenizer.ggml.pre")
    tokens: list[str] = _contents(reader, "tokenizer.ggml.tokens") or []
    if kind == "llama":
        tokenizer = _sentencepiece(reader, tokens)
    elif kind == "gpt2" and pre in PRE_TOKENIZERS:
        tokenizer = _byte_level_bpe(reader, tokens, PRE_TOKENIZERS[pre])
    else:
        raise SourceError(
            f"The GGUF's tokenizer is {kind!r} with pre-tokenizer {pre!r}; known are llama, and gpt2 with "
            f"{', '.join(PRE_TOKENIZERS)}. "
            "Give the model as a Hugging Face folder or id instead: its own tokenizer.json is then used."
        )
    types: list[int] = _contents(reader, "tokenizer.ggml.token_type")
    specials = [TokenType.CONTROL, TokenType.UNKNOWN] if kind == "llama" else [TokenType.CONTROL]
    for token, kind_of in zip(tokens, types, strict=True):
        if kind_of in (*specials, TokenType.USER_DEFINED):
            tokenizer.add_tokens([AddedToken(token, special=kind_of in specials, normalized=False)])
    # What llama.cpp does where the file does not say: SentencePiece models and some others begin with their BOS.
    stated = _contents(reader, "tokenizer.ggml.add_bos_token")
    adds_bos = bool(stated) if stated is not None else kind == "llama" or pre in _WITH_BOS
    bos = _contents(reader, "tokenizer.ggml.bos_token_id")
    if adds_bos and bos is not None:
        begin = tokens[int(bos)]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", pair=f"{begin} $A {begin} $B", special_tokens=[(begin, int(bos))]
        )
    tokenizer.save(str(folder / "tokenizer.json"))

    def special(key: str) -> str | None:
        index = _contents(reader, f"tokenizer.ggml.{key}_token_id")
        return None if index is None else tokens[int(index)]

    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": adds_bos,
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


def gguf_ends(reader: GGUFReader) -> list[int]:
    """Every token that ends an answer: those that the file names, and control tokens that llama.cpp takes for one by name.

    A Gemma or Phi-3 file states the end of text alone as its EOS, and would never end a turn.
    """
    stated = (_contents(reader, f"tokenizer.ggml.{key}_token_id") for key in ("eos", "eot", "eom"))
    ends = {int(token) for token in stated if token is not None}
    tokens, types = _contents(reader, "tokenizer.ggml.tokens") or [], _contents(reader, "tokenizer.ggml.token_type") or []
    named = (index for index, kind in enumerate(types) if kind == TokenType.CONTROL and tokens[index] in _END_OF_TURN)
    return sorted(ends.union(named))


def _byte_level_bpe(reader: GGUFReader, tokens: list[str], splitting: _Splitting) -> Tokenizer:
    merges = [tuple(merge.split(" ", 1)) for merge in _contents(reader, "tokenizer.ggml.merges") or []]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=splitting.ignore_merges))
    if splitting.is_nfc:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = splitting.make()
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _sentencepiece(reader: GGUFReader, tokens: list[str]) -> Tokenizer:
    """SentencePiece's BPE: the pair whose union has the best score is joined first; unknown characters become bytes."""
    scores: list[float] = _contents(reader, "tokenizer.ggml.scores")
    vocabulary = {token: index for index, token in enumerate(tokens)}
    unknown = _contents(reader, "tokenizer.ggml.unknown_token_id")
    model = models.BPE(
        vocab=vocabulary,
        merges=_merges_by_score(tokens, scores, vocabulary),
        unk_token=tokens[0 if unknown is None else int(unknown)],
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = Tokenizer(model)
    prefix = _contents(reader, "tokenizer.ggml.add_space_prefix")
    has_prefix = prefix is None or bool(prefix)
    space = normalizers.Replace(" ", "▁")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), space] if has_prefix else [space])
    ends = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*ends, decoders.Strip(" ", 1, 0)] if has_prefix else ends)
    return tokenizer


def _merges_by_score(tokens: list[str], scores: list[float], vocabulary: dict[str, int]) -> list[tuple[str, str]]:
    """Every way to make a token of two others, best score first; equal ones in the order of the parts."""
    merges = []
    for token, score in zip(tokens, scores, strict=True):
        parts = [(token[:cut], token[cut:]) for cut in range(1, len(token))]
        known = [pair for pair in parts if pair[0] in vocabulary and pair[1] in vocabulary]
        known.sort(key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
        merges += [(score, pair) for pair in known]
    merges.sort(key=lambda merge: -merge[0])  # stable
    return [pair for _, pair in merges]


def _contents(reader: GGUFReader, key: str) -> Any:
    field = reader.get_field(key)
    return None if field is None else field.contents()


def _text(reader: GGUFReader, key: str) -> str:
    return str(_contents(reader, key) or "")
