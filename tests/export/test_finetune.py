"""Fine-tuning a tiny model: data forms, encoding, batches, the loss, checkpoints and resume, what the exporter makes of it."""

import json
import math
import os
import subprocess
import sys

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from tiny_checkpoint import write_checkpoint
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from slm_export import checkpoint
from slm_export.cli import main
from slm_export.decoder_kind import DecoderKind
from slm_export.errors import ExportInterrupted, SourceError
from slm_export.finetune import loop as loop_module
from slm_export.finetune.batches import IGNORED, collate, plan
from slm_export.finetune.encode import Encoded, Encoder
from slm_export.finetune.examples import Columns, Example, labels_of, read_examples, split
from slm_export.finetune.model import answer_logits, answer_loss
from slm_export.finetune.run import Settings, finetune
from slm_export.finetune.schedule import Limits, rate_at
from slm_export.options import ExportOptions
from slm_export.sources import resolve

CHATML = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
CHATML += "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


@pytest.fixture(scope="module")
def encoder(base):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    return Encoder(tokenizer, CHATML, [tokenizer.eos_token_id])


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_pairs_chats_and_labels_become_prompts_and_answers(tmp_path):
    pair = json.dumps({"source": "he go", "target": "He goes."})
    chat = json.dumps({"messages": [{"role": r, "content": r} for r in ("system", "user", "assistant", "user", "assistant")]})
    lines = write(tmp_path / "d.jsonl", pair, chat)
    labels = write(tmp_path / "d.csv", "review,mood", '"good, really",positive', "bad,negative")
    first, *turns = read_examples(lines, Columns(prefix="Fix: "))
    assert first == Example(({"role": "user", "content": "Fix: he go"},), "He goes.")
    assert [len(turn.messages) for turn in turns] == [2, 4]
    found = read_examples(labels, Columns("review", "mood", "Mood: "))
    assert [(e.messages[0]["content"], e.answer) for e in found] == [
        ("Mood: good, really", "positive"),
        ("Mood: bad", "negative"),
    ]
    assert labels_of(found * 2) == ("negative", "positive")
    assert labels_of(found) == ()


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("d.jsonl", ["{"], "line 1 is not JSON"),
        ("d.jsonl", ['{"source": "a"}'], "expected .*source.*target"),
        ("d.jsonl", ['{"messages": [{"role": "user", "content": "a"}]}'], "no answer of the assistant"),
        ("d.jsonl", ['{"messages": [{"role": "robot", "content": "a"}]}'], "a message needs a role"),
        ("d.csv", ["text,mood", "a,b"], "has no column label; it has text, mood"),
        ("d.csv", ["text,label", "a,"], "line 2: the text or the label is empty"),
        ("d.txt", ["a"], "the suffix says what it holds"),
        ("d.jsonl", [""], "holds no examples"),
    ],
)
def test_data_of_another_form_is_refused_with_its_place(tmp_path, name, lines, message):
    with pytest.raises(SourceError, match=message):
        read_examples(write(tmp_path / name, *lines), Columns())


def test_an_answer_ends_with_the_end_of_its_turn_and_the_prompt_is_what_the_engine_renders(base, encoder):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    encoded = encoder.encode(Example(({"role": "user", "content": "hi"},), "yes"))
    assert tokenizer.decode(encoded.prompt) == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    assert encoded.answer[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(encoded.answer[:-1]) == "yes"


def test_batches_hold_every_example_once_and_pad_little():
    lengths = [3 + (at * 7) % 40 for at in range(500)]
    batches = plan(lengths, 256, seed=1)
    assert sorted(at for batch in batches for at in batch) == list(range(500))
    assert all(len(batch) * max(lengths[at] for at in batch) <= 256 for batch in batches)
    padded = sum(len(batch) * max(lengths[at] for at in batch) for batch in batches)
    assert padded < 1.1 * sum(lengths)
    assert plan(lengths, 256, seed=1) == batches != plan(lengths, 256, seed=2)


def test_the_batched_loss_is_the_mean_of_what_each_example_gives_alone(base):
    """Left padding, positions and the columns of the answers: all wrong ones change this number."""
    model = AutoModelForCausalLM.from_pretrained(base, attn_implementation="eager").eval()
    examples = [Encoded((5, 6, 7), (8, 9)), Encoded((10,), (11, 12, 13, 14)), Encoded((15, 16, 17, 18, 19), (20,))]
    batch = collate(examples, pad=0)
    with torch.no_grad():
        together = float(answer_loss(answer_logits(model, batch), batch.answers))
        alone = 0.0
        for example in examples:
            logits = model(torch.tensor([[*example.prompt, *example.answer]])).logits[0].log_softmax(-1)
            start = len(example.prompt) - 1
            alone -= sum(float(logits[start + at, token]) for at, token in enumerate(example.answer))
    assert together == pytest.approx(alone, rel=1e-5)
    assert int((batch.answers != IGNORED).sum()) == 7


def test_the_learning_rate_rises_falls_and_ends_by_steps_or_time():
    assert rate_at(0.0, 1.0) < rate_at(0.02, 1.0) < rate_at(0.03, 1.0) == pytest.approx(1.0)
    assert rate_at(0.5, 1.0) > rate_at(0.9, 1.0) > rate_at(1.0, 1.0) == pytest.approx(0.05)
    assert Limits(100, 10).progress(20, 300) == 0.5
    assert Limits(100).progress(20, 1e9) == 0.2


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """The task: say the word backwards' first letter — anything that a few steps can begin to learn."""
    lines = [json.dumps({"source": word, "target": word[0]}) for word in ("ab", "ba", "cab", "abc", "bca") * 8]
    return write(tmp_path_factory.mktemp("data") / "pairs.jsonl", *lines)


def settings(base, pairs, out, **changes):
    plain = {"base": str(base), "data": pairs, "out": out, "downloads": out.parent, "chat_template": "chatml"}
    chosen = {"columns": Columns(prefix="Say: "), "task": "letters", "precision": "fp32", "batch_tokens": 400, "lr": 0.02}
    return Settings(**(plain | chosen | {"steps": 6, "eval_steps": 3} | changes))


def log_of(out):
    return [json.loads(line) for line in (out / "training" / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def adapter(base, pairs, tmp_path_factory):
    from slm_export.progress import Reporter

    return finetune(settings(base, pairs, tmp_path_factory.mktemp("out") / "letters"), Reporter(quiet=True))


def test_training_learns_and_writes_a_peft_adapter(adapter):
    held = [entry["held_out_loss"] for entry in log_of(adapter) if "held_out_loss" in entry]
    assert held[-1] < held[0] - 0.3
    names = sorted(path.name for path in adapter.iterdir())
    assert names == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "chat_template.jinja",
        "task.json",
        "training",
    ]
    weights = load_file(adapter / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    assert not (adapter / "training" / "state.pt").exists()
    assert "<polyline" in (adapter / "training" / "loss.svg").read_text()
    assert "base_model: tiny" in (adapter / "README.md").read_text()


def test_the_exporter_takes_task_prompt_and_template_from_the_adapter(base, adapter, tmp_path, reporter):
    origin = resolve(str(base), downloads=tmp_path, reporter=reporter, options=ExportOptions(adapter=adapter))
    loaded = checkpoint.load(origin, tmp_path / "work")
    facts = DecoderKind(origin, tmp_path / "work").facts
    assert (origin.id, origin.name) == ("letters", "tiny (letters)")
    assert facts.tasks == ("letters",)
    assert facts.prompts.tasks is not None
    assert [(each.task, each.user, each.least_gain) for each in facts.prompts.tasks] == [("letters", "Say: {text}", None)]
    assert facts.generation.temperature == 0
    assert loaded.chat_template == (adapter / "chat_template.jinja").read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_adapter(base, pairs, adapter, tmp_path, reporter):
    again = finetune(settings(base, pairs, tmp_path / "letters"), reporter)
    name = "adapter_model.safetensors"
    assert (again / name).read_bytes() == (adapter / name).read_bytes()


def interrupt_at(monkeypatch, step):
    """Ctrl-C arrives while step `step` is computed."""
    real = answer_logits
    calls = {"count": 0}

    def pressed(model, batch):
        calls["count"] += 1
        if calls["count"] == step:
            raise KeyboardInterrupt
        return real(model, batch)

    monkeypatch.setattr(loop_module, "answer_logits", pressed)


def test_after_ctrl_c_the_adapter_is_usable_and_resume_ends_where_one_run_would(
    base, pairs, adapter, tmp_path, reporter, monkeypatch
):
    chosen = settings(base, pairs, tmp_path / "letters")
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5)
        with pytest.raises(ExportInterrupted, match=r"Interrupted at step 4\. The adapter in .* is usable.*--resume"):
            finetune(chosen, reporter)
    resolve(str(base), downloads=tmp_path, reporter=reporter, options=ExportOptions(adapter=chosen.out))
    resumed = finetune(settings(base, pairs, chosen.out, resume=True), reporter)
    one, two = (load_file(folder / "adapter_model.safetensors") for folder in (adapter, resumed))
    assert all(torch.allclose(one[name], two[name], atol=2e-3) for name in one)
    assert [entry["step"] for entry in log_of(resumed) if "loss" in entry] == [1, 2, 3, 4, 5, 6]


def test_resume_refuses_other_data_and_a_finished_training(base, pairs, adapter, tmp_path, reporter, monkeypatch):
    chosen = settings(base, pairs, tmp_path / "letters")
    with monkeypatch.context() as patch:
        interrupt_at(patch, 2)
        with pytest.raises(ExportInterrupted):
            finetune(chosen, reporter)
    other = write(tmp_path / "other.jsonl", *pairs.read_text().splitlines()[:20])
    with pytest.raises(SourceError, match="begun with other data or settings"):
        finetune(settings(base, other, chosen.out, resume=True), reporter)
    with pytest.raises(SourceError, match="has come to its end: go on from it with --adapter"):
        finetune(settings(base, pairs, adapter, resume=True), reporter)


def test_going_on_from_an_adapter_begins_where_it_ended(base, pairs, adapter, tmp_path, reporter):
    more = finetune(settings(base, pairs, tmp_path / "more", adapter=adapter, chat_template=None, steps=1), reporter)
    first = next(entry for entry in log_of(more) if "held_out_loss" in entry)
    last = [entry for entry in log_of(adapter) if "held_out_loss" in entry][-1]
    assert first["held_out_loss"] == pytest.approx(last["held_out_loss"], abs=0.01)  # the adapter is kept in float16
    assert (more / "chat_template.jinja").read_text() == (adapter / "chat_template.jinja").read_text()


def test_a_loss_that_is_no_number_ends_the_training_with_advice(base, pairs, tmp_path, reporter, monkeypatch):
    monkeypatch.setattr(loop_module, "answer_loss", lambda logits, answers: logits.sum() * math.nan)
    with pytest.raises(SourceError, match=r"The loss is not a number any more at step 0.*--lr"):
        finetune(settings(base, pairs, tmp_path / "letters"), reporter)


def test_folders_of_others_are_not_overwritten_and_one_example_is_too_few(tmp_path, base, pairs):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    run = ["finetune", str(base), "--data", str(pairs), "--chat-template", "chatml"]
    done = CliRunner().invoke(main, [*run, "--out", str(tmp_path / "mine")])
    assert done.exit_code == 1
    assert "is not an adapter of slm-export finetune, so it is not overwritten" in done.stderr
    with pytest.raises(SourceError, match="One example is not enough"):
        split(read_examples(pairs, Columns())[:1], seed=0)


def test_the_command_says_what_it_needs_before_it_begins(base, pairs, tmp_path):
    run = [
        "finetune",
        str(base),
        "--data",
        str(pairs),
        "--out",
        str(tmp_path / "a"),
        "--chat-template",
        "chatml",
        "--dry-run",
        "--precision",
        "fp32",
    ]
    done = CliRunner().invoke(main, run)
    assert done.exit_code == 0, done.output
    assert "memory: about" in done.stderr
    assert "time:   about" in done.stderr
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_two_processes_share_the_work(base, pairs, tmp_path):
    """What several machines do: gradients and figures are the mean of all, and one process writes."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--rdzv_endpoint", "127.0.0.1:0"]
    run = ["-m", "slm_export", "finetune", str(base), "--data", str(pairs), "--out", str(tmp_path / "both"), "--lr", "0.02"]
    more = ["--chat-template", "chatml", "--steps", "2", "--batch-tokens", "200", "--precision", "fp32"]
    own = {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    command = [*launch, "--rdzv_backend", "c10d", *run, *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env={**os.environ, **own})
    assert done.returncode == 0, done.stderr
    assert "2 processes on cpu" in done.stderr
    log = log_of(tmp_path / "both")
    assert log[-1]["step"] == 2
    assert log[-1]["examples"] > 2 * 200 // 60  # more than one process has room for in two steps
