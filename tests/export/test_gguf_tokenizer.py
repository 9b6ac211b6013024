"""tokenizer.json → GGUF as llama.cpp's converter writes it → tokenizer.json again: the same ids on awkward texts."""

import json

import family_tokenizers
import gguf
import pytest
from transformers import PreTrainedTokenizerFast

from slm_export.tokenizer import write_gguf_tokenizer

TEXTS = [
    "Alice was beginning to get very tired of sitting by her sister on the bank.",
    "Year 1999, 3.14 and 1,000,000! x=y+2;",
    "Hello 👋🏽 世界\n\n  x",
    "I'm DON'T we'LL  two  spaces\t\ttab\r\n\n\n end \n",
    "naïve café e\u0301 \u200dZWJ 👩‍👩‍👧‍👦 مرحبا ﬁ ½ ٣",
    "```python\ndef f(x):\n\treturn {x: [x]}\n```",
    " leading",
    "trailing ",
    "",
    " ",
    "\n",
    "a\x00b\x7f",
    "▁under ▁ <0x41>",
]
# kind of family_tokenizers → llama.cpp's names for model and pre-tokenizer
NAMES = {
    "gpt2": ("gpt2", "gpt-2"),
    "smollm": ("gpt2", "smollm"),
    "tiktoken": ("gpt2", "llama-bpe"),
    "qwen": ("gpt2", "qwen2"),
    "llama": ("llama", "default"),
    "gemma": ("llama", "default"),
}


def write_gguf(path, kind, original):
    """Vocabulary only. SentencePiece scores fall in the order in which the pieces were learned."""
    facts = json.loads(original.backend_tokenizer.to_str())
    special = {entry["content"]: entry["special"] for entry in facts["added_tokens"]}
    ids = {**facts["model"]["vocab"], **{entry["content"]: entry["id"] for entry in facts["added_tokens"]}}
    tokens = sorted(ids, key=ids.__getitem__)
    assert [ids[token] for token in tokens] == list(range(len(tokens)))
    model, pre = NAMES[kind]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model(model)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    types = gguf.TokenType
    kinds = [
        types.NORMAL if token not in special else types.CONTROL if special[token] else types.USER_DEFINED for token in tokens
    ]
    writer.add_token_types(kinds)
    if model == "gpt2":
        writer.add_token_merges([" ".join(merge) for merge in facts["model"]["merges"]])
    else:
        ranks = {"".join(pair): rank for rank, pair in enumerate(facts["model"]["merges"])}
        writer.add_token_scores([-float(ranks.get(token, 0)) for token in tokens])
        writer.add_unk_token_id(ids["<unk>"])
        writer.add_add_space_prefix(kind == "llama")
    if original.bos_token:
        writer.add_bos_token_id(original.bos_token_id)
        writer.add_add_bos_token(True)
    writer.add_eos_token_id(original.eos_token_id)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize("kind", NAMES)
def test_a_tokenizer_comes_back_from_gguf(kind, tmp_path):
    original = family_tokenizers.build(kind, None)
    write_gguf(tmp_path / "vocabulary.gguf", kind, original)
    write_gguf_tokenizer(gguf.GGUFReader(tmp_path / "vocabulary.gguf"), tmp_path)
    again = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    for text in [*TEXTS, "".join(TEXTS), f"{original.eos_token}x{original.eos_token}"]:
        ids = original(text)["input_ids"]
        assert again(text)["input_ids"] == ids, text
        assert again.decode(ids) == original.decode(ids), text
    assert (again.bos_token, again.eos_token) == (original.bos_token, original.eos_token)
