"""LoRA adapters written by peft: merged like the formula says, and refused where they do not fit."""

import json
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tiny_checkpoint import write_checkpoint
from transformers import AutoModelForCausalLM

from slm_export import checkpoint
from slm_export.errors import SourceError
from slm_export.options import ExportOptions
from slm_export.sources import resolve

WEIGHTS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


def make(base, folder, **settings):
    """An adapter as training leaves it: B is no longer zero."""
    torch.manual_seed(1)
    targets = ["q_proj", "down_proj"]
    options: dict[str, Any] = {"r": 4, "lora_alpha": 6, "target_modules": targets, "task_type": "CAUSAL_LM"} | settings
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(**options))
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder)
    return folder


def load(base, adapter, tmp_path, reporter):
    origin = resolve(str(base), downloads=tmp_path, reporter=reporter, options=ExportOptions(adapter=adapter))
    return origin, checkpoint.load(origin, tmp_path / "work")


@pytest.mark.parametrize("rank_stabilised", [False, True])
def test_merged_weights_are_base_plus_scaled_product(base, tmp_path, reporter, rank_stabilised):
    patterns = {"rank_pattern": {"layers.1.self_attn.q_proj": 2}, "alpha_pattern": {"down_proj": 10}}
    adapter = make(base, tmp_path / "adapter", use_rslora=rank_stabilised, **patterns)
    origin, loaded = load(base, adapter, tmp_path, reporter)
    lora, before = load_file(adapter / WEIGHTS), load_file(base / "model.safetensors")
    changed = 0
    for name, tensor in loaded.load_model().state_dict().items():
        key = f"base_model.model.{name.removesuffix('.weight')}.lora_"
        expected = before[name if name != "lm_head.weight" else "model.embed_tokens.weight"]
        if f"{key}A.weight" in lora:
            a, b = lora[f"{key}A.weight"], lora[f"{key}B.weight"]
            alpha = 10 if "down_proj" in name else 6
            expected = expected + b @ a * (alpha / (a.shape[0] ** 0.5 if rank_stabilised else a.shape[0]))
            changed += 1
        assert torch.allclose(tensor, expected, atol=1e-6), name
    assert changed == 4
    assert origin.source.adapter is not None
    assert origin.source.adapter.name == "adapter"


def edit(adapter, **changes):
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"peft_type": "IA3"}, "is of kind IA3; only LORA"),
        ({"task_type": "SEQ_CLS"}, "for the task SEQ_CLS; only CAUSAL_LM"),
        ({"use_dora": True}, "uses DoRA, which is not merged here. Merge it with peft"),
        ({"bias": "all"}, "uses bias=all"),
    ],
)
def test_other_kinds_of_adapter_are_named(base, tmp_path, reporter, changes, message):
    adapter = make(base, tmp_path / "adapter")
    edit(adapter, **changes)
    with pytest.raises(SourceError, match=message):
        load(base, adapter, tmp_path, reporter)


def rewrite(adapter, change):
    weights = load_file(adapter / WEIGHTS)
    save_file(dict(change(name, tensor) for name, tensor in weights.items()), adapter / WEIGHTS)


def test_modules_that_the_model_lacks_are_named(base, tmp_path, reporter):
    adapter = make(base, tmp_path / "adapter")
    rewrite(adapter, lambda name, tensor: (name.replace("layers.1", "layers.7"), tensor))
    with pytest.raises(SourceError, match=r"changes model\.layers\.7\..*which a LlamaForCausalLM does not have"):
        load(base, adapter, tmp_path, reporter)


def test_an_adapter_for_another_size_is_named(base, tmp_path, reporter):
    adapter = make(base, tmp_path / "adapter")
    rewrite(adapter, lambda name, tensor: (name, torch.zeros(4, 32) if "q_proj.lora_A" in name else tensor))
    with pytest.raises(SourceError, match=r"does not fit: model\.layers\.\d\.self_attn\.q_proj is \(64, 64\).*\(4, 32\)"):
        load(base, adapter, tmp_path, reporter)


def test_a_vocabulary_of_another_size_is_named(base, tmp_path, reporter):
    adapter = make(base, tmp_path / "adapter")
    weights = load_file(adapter / WEIGHTS) | {"base_model.model.model.embed_tokens.weight": torch.zeros(300, 64)}
    save_file(weights, adapter / WEIGHTS)
    with pytest.raises(SourceError, match="vocabulary of 300 tokens, the model one of 259"):
        load(base, adapter, tmp_path, reporter)


def test_a_tied_embedding_is_not_changed_by_halves(base, tmp_path, reporter):
    adapter = make(base, tmp_path / "adapter")
    embedding = "base_model.model.model.embed_tokens.lora_embedding_"
    lora = {f"{embedding}A": torch.ones(4, 259), f"{embedding}B": torch.ones(64, 4)}
    save_file(load_file(adapter / WEIGHTS) | lora, adapter / WEIGHTS)
    with pytest.raises(SourceError, match="embedding and head of this model are one matrix"):
        load(base, adapter, tmp_path, reporter)


def test_a_cut_adapter_is_a_plain_error(base, tmp_path, reporter):
    adapter = make(base, tmp_path / "adapter")
    (adapter / WEIGHTS).write_bytes((adapter / WEIGHTS).read_bytes()[:900])
    with pytest.raises(SourceError, match="cannot be merged.*get it again"):
        load(base, adapter, tmp_path, reporter)


def test_missing_files_are_named(base, tmp_path, reporter):
    with pytest.raises(SourceError, match="is not a LoRA adapter"):
        load(base, tmp_path, tmp_path, reporter)
    adapter = make(base, tmp_path / "adapter")
    (adapter / WEIGHTS).rename(adapter / "adapter_model.bin")
    with pytest.raises(SourceError, match="pickle weights of adapters are not read"):
        load(base, adapter, tmp_path, reporter)


def test_another_base_model_is_a_warning(base, tmp_path, capsys):
    from slm_export.progress import Reporter

    adapter = make(base, tmp_path / "adapter")
    load(base, adapter, tmp_path, Reporter())
    assert "Warning" not in capsys.readouterr().err
    edit(adapter, base_model_name_or_path="someone/other-model")
    load(base, adapter, tmp_path, Reporter())
    assert "Warning: the adapter was trained on other-model, and is merged into tiny" in capsys.readouterr().err


def test_an_adapter_that_lacks_tensors_is_not_merged_in_part(base, tmp_path, reporter):
    """peft warns only: the layer would be left as it was, or changed at random."""
    adapter = make(base, tmp_path / "adapter")
    tensors = {name: tensor for name, tensor in load_file(adapter / WEIGHTS).items() if "layers.1.self_attn" not in name}
    save_file(tensors, adapter / WEIGHTS)
    with pytest.raises(SourceError, match=r"lacks 2 of its tensors.*layers\.1\.self_attn\.q_proj.*get them again"):
        load(base, adapter, tmp_path, reporter)


def test_tensors_that_the_configuration_does_not_name_are_not_left_out(base, tmp_path, reporter):
    adapter = make(base, tmp_path / "adapter")
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"target_modules": ["q_proj"]}))
    with pytest.raises(SourceError, match=r"does not speak of, 4 of its tensors.*down_proj"):
        load(base, adapter, tmp_path, reporter)
