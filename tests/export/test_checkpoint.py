"""Loading checkpoints: GGUF written here from the tiny model, settings that transformers would lose, broken files."""

import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, GPT2TokenizerFast

from slm_export import checkpoint
from slm_export.errors import SourceError
from slm_export.manifest import Source
from slm_export.sources import Origin


def origin(path: Path) -> Origin:
    return Origin(path, Source("folder", "test", None, None), "test", "test", "", "MIT", None, None)


@pytest.fixture
def folder(tiny_source, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_source, tmp_path / "source"))


def permuted(weight: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp's order of rotary pairs (convert_hf_to_gguf.py, LlamaModel.permute)."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


@pytest.fixture
def gguf_file(tiny_source, tmp_path) -> Path:
    """The tiny model as llama.cpp's converter would write it, float32."""
    path: Path = tmp_path / "tiny.gguf"
    config = json.loads((tiny_source / "config.json").read_text())
    tokenizer = json.loads((tiny_source / "tokenizer.json").read_text())
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_vocab_size(config["vocab_size"])
    vocabulary = dict(sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1]))
    special = {entry["content"]: entry["id"] for entry in tokenizer["added_tokens"]}
    tokens = [token for token, _ in sorted({**vocabulary, **special}.items(), key=lambda item: item[1])]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens])
    writer.add_token_merges([" ".join(merge) for merge in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template((tiny_source / "chat_template.jinja").read_text())
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    for name, tensor in load_file(tiny_source / "model.safetensors").items():
        array = tensor.numpy()
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            array = permuted(array, config["num_attention_heads" if "q_proj" in name else "num_key_value_heads"])
        writer.add_tensor(str(names.get_name(name, (".weight",))), np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_gguf_is_the_same_model_and_tokenizer(gguf_file, tiny_source, tmp_path):
    from_gguf = checkpoint.load(origin(gguf_file), tmp_path / "a")
    from_folder = checkpoint.load(origin(tiny_source), tmp_path / "b")
    tokens = torch.tensor([from_folder.tokenizer("Alice was beginning to get very tired")["input_ids"]])
    with torch.inference_mode():
        assert torch.allclose(from_gguf.load_model()(tokens).logits, from_folder.load_model()(tokens).logits, atol=1e-4)
    text = "Year 1999: 世界 👋🏽\n<|im_start|>user\n  x<|im_end|>"
    assert from_gguf.tokenizer(text)["input_ids"] == from_folder.tokenizer(text)["input_ids"]
    assert from_gguf.chat_template == from_folder.chat_template
    assert not (from_gguf.folder / "tokenizer.model").exists()  # transformers would copy the whole GGUF there


def test_weights_that_are_not_found_are_not_made_up(folder, tmp_path):
    """transformers gives missing weights random values without an error."""
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SourceError, match=r"lacks 1 of the weights.*model\.layers\.1\.mlp\.up_proj\.weight"):
        checkpoint.load(origin(folder), tmp_path / "work")


def test_a_truncated_gguf_is_a_plain_error(gguf_file, tmp_path):
    gguf_file.write_bytes(gguf_file.read_bytes()[:200_000])
    with pytest.raises(SourceError, match=r"cannot be read as a GGUF model.*download it again"):
        checkpoint.load(origin(gguf_file), tmp_path / "work")


def test_an_unknown_gguf_tokenizer_offers_another_way(gguf_file, tmp_path):
    data = gguf_file.read_bytes()
    gguf_file.write_bytes(data.replace(b"smollm", b"smalls"))
    with pytest.raises(SourceError, match="pre-tokenizer 'smalls'.*Hugging Face folder or id instead"):
        checkpoint.load(origin(gguf_file), tmp_path / "work")


def test_rope_settings_of_transformers_5_are_not_lost(folder, tmp_path):
    """transformers 4.57 ignores `rope_parameters` without a word: theta 10000 instead of 100000 (design.md section 3)."""
    config = json.loads((folder / "config.json").read_text())
    theta = config.pop("rope_theta")
    config.pop("rope_scaling", None)
    config["rope_parameters"] = {"rope_type": "default", "rope_theta": theta}
    (folder / "config.json").write_text(json.dumps(config))
    assert checkpoint.load(origin(folder), tmp_path / "work").config.rope_theta == theta == 100000.0


def test_weights_that_are_not_finite_are_refused(folder, tmp_path):
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][3] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SourceError, match=r"not finite.*model\.norm\.weight"):
        checkpoint.load(origin(folder), tmp_path / "work")


def test_truncated_safetensors_are_a_plain_error(folder, tmp_path):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(SourceError, match="cannot be read.*cut short"):
        checkpoint.load(origin(folder), tmp_path / "work")


def test_a_missing_tokenizer_says_how_to_make_one(folder, tmp_path):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(SourceError, match=r"has no tokenizer.json.*save_pretrained"):
        checkpoint.load(origin(folder), tmp_path / "work")


def test_a_sentencepiece_model_alone_says_what_to_make_of_it(folder, tmp_path):
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")
    with pytest.raises(SourceError, match=r"has no tokenizer.json. Make it of tokenizer.model where .*sentencepiece"):
        checkpoint.load(origin(folder), tmp_path / "work")


def test_a_tokenizer_in_parts_is_put_together(folder, tmp_path):
    facts = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").unlink()
    special = {entry["content"]: entry["id"] for entry in facts["added_tokens"]}
    (folder / "vocab.json").write_text(json.dumps(facts["model"]["vocab"] | special))
    merges = "\n".join(" ".join(merge) for merge in facts["model"]["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    config = {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = checkpoint.load(origin(folder), tmp_path / "work").tokenizer
    text = "Alice was beginning to get very tired, wasn't she? 世界"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    expected = GPT2TokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"))
    assert tokenizer(text)["input_ids"] == expected(text)["input_ids"]


def test_an_unknown_architecture_is_named(folder, tmp_path):
    config = json.loads((folder / "config.json").read_text()) | {"model_type": "no_such_type", "architectures": ["NoSuchModel"]}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(SourceError, match=r"Unsupported architecture NoSuchModel\. Supported are .*LlamaForCausalLM"):
        checkpoint.load(origin(folder), tmp_path / "work")


def test_a_template_inside_the_tokenizer_config_becomes_a_file(folder, tmp_path):
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config["chat_template"] = [{"name": "tool_use", "template": "TOOLS"}, {"name": "default", "template": "{{ messages }}"}]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    loaded = checkpoint.load(origin(folder), tmp_path / "work")
    assert loaded.chat_template == "{{ messages }}"
    assert "chat_template" not in json.loads((loaded.folder / "tokenizer_config.json").read_text())


@pytest.mark.parametrize(
    ("settings", "starts_with_bos"),
    [
        ({"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": True, "unk_token": None}, True),
        ({"tokenizer_class": "PreTrainedTokenizerFast"}, False),
    ],
)
def test_the_class_of_a_tokenizer_counts(settings, starts_with_bos, folder, tmp_path):
    """DeepSeek-R1-Distill-Qwen's BOS is in no tokenizer.json: transformers' class adds it."""
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    loaded = checkpoint.load(origin(folder), tmp_path / "work")
    ids = AutoTokenizer.from_pretrained(folder)("Hello 1999")["input_ids"]
    assert loaded.tokenizer("Hello 1999")["input_ids"] == ids
    assert (ids[0] == loaded.tokenizer.bos_token_id) is starts_with_bos


def test_a_tokenizer_class_that_needs_a_missing_library_is_not_passed_over(folder, tmp_path):
    """What sentencepiece's class adds to tokenizer.json was left out without a word."""
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tokenizer_class": "PLBartTokenizer"}))
    with pytest.raises(SourceError, match=r"PLBartTokenizer requires the SentencePiece library .*Install it and try again, or"):
        checkpoint.load(origin(folder), tmp_path / "work")


def add_tokens(folder, texts, **settings):
    """Give the tokenizer tokens behind the embedding's last row; returns the first one's id."""
    path, config = folder / "tokenizer.json", folder / "tokenizer_config.json"
    content, rows = json.loads(path.read_text()), json.loads((folder / "config.json").read_text())["vocab_size"]
    kind = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    entries = {rows + index: {"content": text, **kind} for index, text in enumerate(texts)}
    content["added_tokens"] += [{"id": index, **entry} for index, entry in entries.items()]
    path.write_text(json.dumps(content))
    named = json.loads(config.read_text())
    named["added_tokens_decoder"] |= {str(index): entry for index, entry in entries.items()}
    config.write_text(json.dumps(named | settings))
    return rows


def test_added_tokens_without_an_embedding_are_forgotten(folder, tmp_path):
    """Gemma 3 1B has such an image token: text that spells it read beyond the embedding."""
    rows = add_tokens(folder, ["<image>", "[PAD]"], additional_special_tokens=["<image>"], pad_token="[PAD]")
    assert AutoTokenizer.from_pretrained(folder)("an <image> here [PAD]")["input_ids"].count(rows) == 1
    loaded = checkpoint.load(origin(folder), tmp_path / "work").tokenizer
    ids = loaded("an <image> here [PAD]")["input_ids"]
    assert max(ids) < rows
    assert loaded.decode(ids) == "an <image> here [PAD]"
    assert loaded.pad_token is None
    assert len(loaded) == rows


@pytest.mark.parametrize(
    "settings",
    [{"eos_token": "<turn_end>"}, {"chat_template": "{{ messages[0]['content'] }}<turn_end>"}],
    ids=["eos_token", "chat template"],
)
def test_a_token_that_is_needed_and_has_no_embedding_is_a_plain_error(settings, folder, tmp_path):
    (folder / "chat_template.jinja").unlink()
    add_tokens(folder, ["<turn_end>"], **settings)
    with pytest.raises(SourceError, match=r"the model has never seen <turn_end>\. .*resize_token_embeddings"):
        checkpoint.load(origin(folder), tmp_path / "work")


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% for %}", "TemplateSyntaxError"),
        ("{{ raise_exception('needs a system message') }}", "TemplateError: needs a system message"),
        ("{{ messages[0]['content'] + 1 }}", "TypeError"),
        ("{{ messages.__class__.__mro__ }}{{ [].append.__globals__ }}", "SecurityError"),
    ],
)
def test_a_chat_template_that_cannot_be_used_is_a_plain_error(template, reason, folder, tmp_path):
    (folder / "chat_template.jinja").write_text(template)
    with pytest.raises(SourceError, match=rf"cannot render a conversation of one question \({reason}.*--chat-template"):
        checkpoint.load(origin(folder), tmp_path / "work")


def test_special_tokens_of_older_tokenizers_are_named(folder, tmp_path):
    """Theirs are in special_tokens_map.json, or nowhere (GPT-2's class): a template's bos_token was empty."""
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    names = {name: config.pop(name) for name in ("bos_token", "eos_token", "pad_token")}
    config.pop("added_tokens_decoder")  # which newer ones have
    path.write_text(json.dumps(config))
    (folder / "special_tokens_map.json").write_text(json.dumps(names))
    loaded = checkpoint.load(origin(folder), tmp_path / "work").tokenizer
    assert {name: getattr(loaded, name) for name in names} == names


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_broken_tokenizer_config_is_a_plain_error(content, folder, tmp_path):
    (folder / "tokenizer_config.json").write_text(content)
    with pytest.raises(SourceError, match=r"tokenizer_config.json of the checkpoint is not .*again"):
        checkpoint.load(origin(folder), tmp_path / "work")
