"""tokenizer.json → GGUF as llama.cpp's converter writes it → tokenizer.json again: the same ids on awkward texts."""

import family_tokenizers
import gguf
import pytest
from gguf_vocabulary import NAMES, add_vocabulary
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


def write_gguf(path, kind, original):
    """Vocabulary only."""
    writer = gguf.GGUFWriter(path, "llama")
    add_vocabulary(writer, kind, original)
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
