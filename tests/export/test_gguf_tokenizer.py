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


def write_gguf(path, kind, original, pre=None):
    """Vocabulary only."""
    writer = gguf.GGUFWriter(path, "llama")
    add_vocabulary(writer, kind, original, pre)
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


@pytest.mark.parametrize(
    ("pre", "text", "words"),
    [
        ("gpt-2", "don't a12345 e\u0301", "don|'t|Ġa|12345|Ġe|\u0301"),
        ("phi-2", "a12345, e\u0301", "a|12345|,|Ġe|\u0301"),
        ("mpt", "a12345, e\u0301", "a|12345|,|Ġé"),
        ("olmo", "a12345, e\u0301", "a|12345|,|Ġé"),
        ("starcoder", "a12 b=c", "a|1|2|Ġb|=|c"),
        ("smollm", "a12 b=c", "a|1|2|Ġb|=|c"),
        ("llama-bpe", "DON'Tx 12345?!\n\n b", "DON|'T|x|Ġ|123|45|?!ĊĊ|Ġb"),
        ("dbrx", "DON'Tx 12345?!\n\n b", "DON|'T|x|Ġ|123|45|?!ĊĊ|Ġb"),
        ("qwen2", "a 123 e\u0301", "a|Ġ|1|2|3|Ġé"),
        ("tekken", "HelloWORLDis fooBar 123 a/b/\n", "Hello|WORLDis|Ġfoo|Bar|Ġ|1|2|3|Ġa|/b|/Ċ"),
        ("gpt-4o", "We'll DON'Tx fooBar 12345", "We'll|ĠDON'T|x|Ġfoo|Bar|Ġ|123|45"),
        ("falcon", "x=12345, ok?!", "x|=|123|45|,|Ġok|?!"),
    ],
)
def test_words_are_split_as_the_pre_tokenizer_does(pre, text, words, tmp_path):
    """By hand, from the patterns of llama.cpp's src/llama-vocab.cpp and the models' tokenizer.json."""
    write_gguf(tmp_path / "vocabulary.gguf", "gpt2", family_tokenizers.build("gpt2", None), pre)
    write_gguf_tokenizer(gguf.GGUFReader(tmp_path / "vocabulary.gguf"), tmp_path)
    again = PreTrainedTokenizerFast.from_pretrained(tmp_path).backend_tokenizer
    normalized = again.normalizer.normalize_str(text) if again.normalizer else text
    found = [word for word, _ in again.pre_tokenizer.pre_tokenize_str(normalized)]
    in_bytes = {"é": "Ã©", "\u0301": "Ìģ"}
    for character, letters in in_bytes.items():
        words = words.replace(character, letters)
    assert "|".join(found) == words


def test_a_tekken_tokenizer_begins_with_its_bos(tmp_path):
    """Where the file does not say, as llama.cpp."""
    original = family_tokenizers.build("gpt2", None)
    original.add_special_tokens({"bos_token": "<|endoftext|>"})
    path = tmp_path / "vocabulary.gguf"
    write_gguf(path, "gpt2", original, "tekken")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"add_bos_token", b"add_bos_tokem"))  # a key of the same length that nobody reads
    write_gguf_tokenizer(gguf.GGUFReader(path), tmp_path)
    assert PreTrainedTokenizerFast.from_pretrained(tmp_path)("x")["input_ids"][0] == original.bos_token_id
