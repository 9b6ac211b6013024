"""Bad input as a user gives it: a real process each time, exit code 1, one paragraph, nothing left behind, no PyTorch where it
is not needed to notice."""

import json
import os
import resource
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import gguf
import pytest
import torch
from hub_server import serve
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tiny_checkpoint import write_checkpoint
from transformers import AutoModelForCausalLM

from slm_export.manifest import load_manifest

WEIGHTS = "model.safetensors"
PROGRAM = """
import sys
sys.argv[0] = 'slm-export'
from slm_export.__main__ import main
try:
    main()
finally:
    print('PyTorch was loaded' if 'torch' in sys.modules else 'PyTorch was not loaded', file=sys.stderr)
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


@pytest.fixture
def source(checkpoint, tmp_path):
    return Path(shutil.copytree(checkpoint, tmp_path / "source"))


@pytest.fixture
def refused(tmp_path):
    """Run an export that must fail; gives its message. `loads_torch`: whether PyTorch is needed to notice."""

    def run(source, *options, loads_torch=False, limit=None, **environment):
        (tmp_path / "out").mkdir(exist_ok=True)
        command = [sys.executable, "-c", PROGRAM, "model", source, "--out", tmp_path / "out" / "bundle", *options]
        own = {"OMP_NUM_THREADS": "1", "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1", **environment}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **own}, preexec_fn=limit
        )
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        message, _, loaded = done.stderr.rstrip().rpartition("\n")
        assert loaded == f"PyTorch was {'' if loads_torch else 'not '}loaded", message
        assert {path.name for path in (tmp_path / "out").iterdir()} <= {"downloads"}
        return message.partition("Error: ")[2]

    return run


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def cut(path, share=0.5):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def remove(folder, *names):
    for name in names:
        (folder / name).unlink()


FOLDERS = {
    "no config.json": (lambda at: remove(at, "config.json"), [], "has no config.json: not a Hugging Face model folder"),
    "config.json is not JSON": (lambda at: cut(at / "config.json"), [], r"config.json is not JSON: .* Get the model again"),
    "config.json is a list": (lambda at: (at / "config.json").write_text("[]"), [], "is not a JSON object"),
    "unsupported architecture": (
        lambda at: edit(at / "config.json", architectures=["Gemma4ForCausalLM"]),
        [],
        r"Unsupported architecture Gemma4ForCausalLM. Supported are .*LlamaForCausalLM.*The nearest is Gemma\d?ForCausalLM",
    ),
    "code of its own": (
        lambda at: edit(at / "config.json", architectures=["OwnModel"], auto_map={"AutoModelForCausalLM": "own.OwnModel"}),
        [],
        "needs code from its own repository.*never runs such code",
    ),
    "no weights": (lambda at: remove(at, WEIGHTS), [], r"has no \*.safetensors weights"),
    "weights cut short": (lambda at: cut(at / WEIGHTS), [], r"model.safetensors is cut short: .* Download it again"),
    "empty weights": (lambda at: cut(at / WEIGHTS, 0), [], "is not a readable safetensors file"),
    "no tokenizer": (lambda at: remove(at, "tokenizer.json"), [], r"has no tokenizer.json. Make it .*AutoTokenizer"),
    "tokenizer cut short": (lambda at: cut(at / "tokenizer.json"), [], "tokenizer.json cannot be read: .* get it again"),
    "no chat template": (
        lambda at: remove(at, "chat_template.jinja"),
        ["--task", "chat"],
        r"has no chat template, .* --chat-template NAME or FILE; known are alpaca, chatml, .*--task completion",
    ),
    "a shard is missing": (
        lambda at: (
            shutil.move(at / WEIGHTS, at / "model-00001-of-00002.safetensors"),
            (at / "model.safetensors.index.json").write_text(
                '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
            ),
        ),
        [],
        "lacks model-00002-of-00002.safetensors",
    ),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_that_cannot_be_exported(refused, source, name):
    damage, options, message = FOLDERS[name]
    damage(source)
    matches(refused(source, *options), message)


def matches(found, pattern):
    with pytest.raises(AssertionError, match=f"(?s){pattern}"):  # pytest's way to show both where they differ
        raise AssertionError(found)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nowhere", None, "is not a model that can be found: no such file or folder here, not a Hugging Face id"),
        ("smollm2-135m-instrct", None, r"Did you mean smollm2-135m-instruct\?"),
        ("gpt-4o-mini", None, "OpenAI does not publish its weights.*Small open models that can be"),
        ("model.zip", b"PK", "is neither a .gguf file nor a folder with config.json"),
        ("model.gguf", b"", "cannot be read as a GGUF model"),
        ("model.gguf", b"<!doctype html>", "cannot be read as a GGUF model"),
        ("model.gguf", b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + b"\xff" * 64, "cannot be read as a GGUF model"),
    ],
)
def test_sources_that_are_no_models(refused, tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
        name = tmp_path / name
    matches(refused(name), message)


def write_gguf(path, checkpoint, architecture="llama"):
    """The tiny Llama as llama.cpp's converter stores it, float32, with its tokenizer."""
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    vocabulary = json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(sorted(vocabulary, key=vocabulary.__getitem__))
    writer.add_token_types([3] * 3 + [1] * (len(vocabulary) - 3))
    writer.add_token_merges([])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    for name, tensor in load_file(checkpoint / WEIGHTS).items():
        for part, count in heads.items():  # llama.cpp turns pairs of neighbours, transformers halves
            if part in name:
                rows = tensor.reshape(count, 2, -1, tensor.shape[-1])
                tensor = rows.transpose(1, 2).reshape(tensor.shape)
        writer.add_tensor(str(names.get_name(name, (".weight", ".bias"))), tensor.contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_gguf_that_is_cut_short_or_of_another_family(refused, checkpoint, tmp_path):
    path = write_gguf(tmp_path / "tiny.gguf", checkpoint)
    cut(path, 0.9)
    matches(refused(path), "tiny.gguf cannot be read as a GGUF model: .*cut short; download it again")
    path = write_gguf(tmp_path / "other.gguf", checkpoint, architecture="mamba")
    matches(refused(path), "architecture 'mamba', which is not read from GGUF files; those of .*llama")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--chat-template", "no-such.jinja"], "neither a known template nor a file. Known are alpaca, chatml"),
        (["--chat-template", "chatlm"], r"Did you mean chatml\?"),
    ],
)
def test_a_chat_template_that_is_not_there(refused, source, options, message):
    matches(refused(source, *options), message)


def test_a_folder_that_is_not_ours_is_left_alone(checkpoint, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")
    command = [sys.executable, "-c", PROGRAM, "model", checkpoint, "--out", tmp_path / "thesis"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "thesis exists and is not a bundle, so it is not overwritten. Choose another --out." in done.stderr
    assert "PyTorch was not loaded" in done.stderr
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter1.txt"]


def sparse_llama(folder, checkpoint, layers):
    """A model of terabytes in a file of a few bytes and a long hole."""
    shutil.copytree(checkpoint, folder)
    edit(folder / "config.json", num_hidden_layers=layers)
    end, entries = 0, {}
    for layer in range(layers):
        shape = [1 << 16, 1 << 16]
        entries[f"model.layers.{layer}.mlp.up_proj.weight"] = {
            "dtype": "BF16",
            "shape": shape,
            "data_offsets": [end, end + (2 << 32)],
        }
        end += 2 << 32
    header = json.dumps(entries).encode()
    with (folder / WEIGHTS).open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + end)
    return folder


def test_a_model_for_which_disk_and_memory_do_not_do(refused, checkpoint, tmp_path):
    message = refused(sparse_llama(tmp_path / "huge", checkpoint, layers=100))
    matches(message, r"needs up to 3\d{3}\.\d GB of memory .* but \d+\.\d GB are available.*needs about \d{4}\.\d GB of disk")
    matches(message, "are free. Free some space, choose another --out, or make fewer variants.")
    matches(message, "browsers hold files of up to 1.1 GB.*--force tries all the same")


@pytest.fixture(scope="module")
def broken_weights(checkpoint, tmp_path_factory):
    folder = Path(shutil.copytree(checkpoint, tmp_path_factory.mktemp("nan") / "broken"))
    weights = load_file(folder / WEIGHTS)
    weights["model.layers.1.mlp.up_proj.weight"][3, 5] = float("nan")
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    return folder


def test_weights_that_are_not_finite(refused, broken_weights):
    message = refused(broken_weights, loads_torch=True)
    matches(message, r"not finite \(NaN or infinity\) in model.layers.1.mlp.up_proj.weight. The checkpoint is broken")


def test_a_disk_that_fills_up_in_the_middle(refused, source):
    """Files of this process may not grow beyond 200 kB: the system refuses as it does on a full disk."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    message = refused(source, loads_torch=True, limit=limit)
    matches(message, "The disk is full. Free some space, or choose another --out or --downloads")


def adapter(base, folder):
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder)
    return folder


def test_an_adapter_of_another_vocabulary(refused, checkpoint, tmp_path):
    folder = adapter(checkpoint, tmp_path / "adapter")
    weights = load_file(folder / "adapter_model.safetensors")
    weights["base_model.model.model.embed_tokens.lora_embedding_A"] = torch.zeros(4, 300)
    weights["base_model.model.model.embed_tokens.lora_embedding_B"] = torch.zeros(64, 4)
    save_file(weights, folder / "adapter_model.safetensors")
    edit(folder / "adapter_config.json", target_modules=["q_proj", "v_proj", "embed_tokens"])
    message = refused(checkpoint, "--adapter", folder, loads_torch=True)
    matches(message, "has a vocabulary of 300 tokens, the model one of 259.*Use the base model and tokenizer")


def test_an_adapter_for_a_model_that_takes_none(refused, source, checkpoint, tmp_path):
    folder = adapter(checkpoint, tmp_path / "adapter")
    edit(source / "config.json", architectures=["BertModel"], model_type="bert")
    matches(refused(source, "--adapter", folder), "is no decoder language model: --adapter")
    (folder / "adapter_model.safetensors").unlink()
    matches(refused(checkpoint, "--adapter", folder), "has no adapter_model.safetensors")


def test_an_adapter_is_merged_into_a_folder_and_into_a_gguf(checkpoint, tmp_path):
    """The same weights from both: the same bundle but for its source."""
    folder, path = adapter(checkpoint, tmp_path / "adapter"), write_gguf(tmp_path / "tiny.gguf", checkpoint)
    digests = []
    for name, source in (("folder", checkpoint), ("gguf", path)):
        command = [sys.executable, "-m", "slm_export", "model", source, "--out", tmp_path / name, "--adapter", folder, "--json"]
        done = subprocess.run(
            [*command, "--variants", "f32"], capture_output=True, text=True, check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        manifest = load_manifest(tmp_path / name)
        assert manifest.source.adapter is not None
        digests.append([entry.sha256 for entry in manifest.variants[0].files if entry.path.endswith(".data")])
    assert digests[0] == digests[1] != []


@pytest.fixture
def hub(checkpoint, tmp_path):
    with serve() as running:
        running.add(checkpoint)
        yield running


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda hub: hub.files.update({"../../evil.json": b"{}"}), "'../../evil.json', which would be written outside"),
        (lambda hub: hub.sent.update({"tokenizer.json": b"x" * len(hub.files["tokenizer.json"])}), "arrived damaged.*removed"),
        (
            lambda hub: hub.sent.update({WEIGHTS: hub.files[WEIGHTS][:-1] + b"x"}),
            "model.safetensors of owner/tiny arrived damaged",
        ),
        (lambda hub: hub.files.pop("tokenizer.json"), "has no tokenizer.json"),
        (lambda hub: hub.files.pop("config.json"), "owner/tiny has no config.json"),
        (lambda hub: hub.files.update({"config.json": b"<html>"}), "config.json of owner/tiny is not JSON"),
        (
            lambda hub: setattr(hub, "error", (401, "GatedRepo")),
            "is gated: accept its terms at https://huggingface.co/owner/tiny",
        ),
    ],
    ids=["path traversal", "hash mismatch", "hash mismatch of weights", "no tokenizer", "no config", "not JSON", "gated"],
)
def test_repositories_that_cannot_be_used(refused, hub, tmp_path, damage, message):
    damage(hub)
    matches(refused("owner/tiny", HF_ENDPOINT=hub.url), message)
    assert not (tmp_path / "evil.json").exists()
    assert not (tmp_path / "out" / "evil.json").exists()
