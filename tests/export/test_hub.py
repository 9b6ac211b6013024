"""Downloads from Hugging Face by the real client, from a hub on this machine: what is fetched, what goes wrong."""

import hashlib
import json
import shutil
import subprocess
import sys

import pytest
import torch
from hub_server import COMMIT, serve
from safetensors.torch import load_file
from tiny_checkpoint import write_checkpoint

from slm_export import checkpoint
from slm_export.errors import SourceError
from slm_export.options import ExportOptions
from slm_export.sources import resolve

WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def checkpoint_folder(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def server(checkpoint_folder, monkeypatch, tmp_path):
    from huggingface_hub import constants

    with serve() as running:
        running.add(checkpoint_folder)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield running


def find(tmp_path, reporter, ref="owner/tiny", **options):
    return resolve(ref, downloads=tmp_path / "downloads", reporter=reporter, options=ExportOptions(**options))


def test_a_repository_is_fetched_whole_and_its_commit_noted(server, checkpoint_folder, tmp_path, reporter):
    server.files |= {"onnx/model.onnx": b"x", "pytorch_model.bin": b"pickle", "original/params.json": b"{}", "notes.md": b"n"}
    server.files["tf_model.h5"] = b"x"
    origin = find(tmp_path, reporter, revision="v1")
    weights = hashlib.sha256((checkpoint_folder / WEIGHTS).read_bytes()).hexdigest()
    source = origin.source
    assert (source.kind, source.ref, source.revision, source.sha256) == ("huggingface", "owner/tiny", COMMIT, weights)
    assert origin.weights == (WEIGHTS,)
    fetched = {path.name for path in origin.path.iterdir() if path.is_file()}
    assert fetched == {path.name for path in checkpoint_folder.iterdir() if path.name != "notes.md"}
    server.requests.clear()
    assert find(tmp_path, reporter, revision="v1") == origin
    assert server.ranges(WEIGHTS) == []


def test_a_file_of_another_revision_is_not_left_to_be_used(server, tmp_path, reporter):
    server.files["additional_chat_templates/tools.jinja"] = b"tools"
    folder = find(tmp_path, reporter).path
    del server.files["additional_chat_templates/tools.jinja"]
    assert (folder / "additional_chat_templates" / "tools.jinja").exists()
    find(tmp_path, reporter)
    assert not (folder / "additional_chat_templates" / "tools.jinja").exists()


def test_a_broken_connection_is_continued_where_it_ended(server, checkpoint_folder, tmp_path, reporter, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)  # 10 MB: what it writes at a time
    server.cut_bytes[WEIGHTS] = 100_000
    server.is_down_after_cut = True
    with pytest.raises(SourceError, match="Run the same command again to continue"):
        find(tmp_path, reporter)
    server.down = False
    server.requests.clear()
    origin = find(tmp_path, reporter)
    assert server.ranges(WEIGHTS) == ["bytes=100000-"]
    assert (origin.path / WEIGHTS).read_bytes() == (checkpoint_folder / WEIGHTS).read_bytes()


@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json"])
def test_wrong_bytes_are_noticed_and_removed(server, tmp_path, reporter, name):
    body = bytearray(server.files[name])
    body[len(body) // 2] ^= 1
    server.sent[name] = bytes(body)
    with pytest.raises(SourceError, match=f"{name} of owner/tiny arrived damaged.*removed; run the same command again"):
        find(tmp_path, reporter)
    assert not (tmp_path / "downloads" / "huggingface" / "owner--tiny" / name).exists()
    server.sent.clear()
    assert (find(tmp_path, reporter).path / name).read_bytes() == server.files[name]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ((401, "GatedRepo"), r"is gated: accept its terms at https://huggingface\.co/owner/tiny, then set HF_TOKEN"),
        ((403, "GatedRepo"), r"is gated: accept its terms at https://huggingface\.co/owner/tiny"),
        ((401, "RepoNotFound"), r"not found on Hugging Face, or is private: see https://huggingface\.co/owner/tiny.*HF_TOKEN"),
        ((404, "RepoNotFound"), r"not found on Hugging Face, or is private"),
        ((403, ""), r"refuses access to owner/tiny \(403\)\. See https://huggingface\.co/owner/tiny"),
        ((500, ""), "could not be downloaded.*Run the same command again"),
    ],
)
def test_refusals_name_the_page_to_visit(server, tmp_path, reporter, error, message):
    server.error = error
    with pytest.raises(SourceError, match=f"(?s){message}"):
        find(tmp_path, reporter)


def test_an_unknown_revision_is_named(server, tmp_path, reporter):
    with pytest.raises(SourceError, match=r"owner/tiny has no revision 'v2'.*commits/main"):
        find(tmp_path, reporter, revision="v2")


def test_the_token_of_the_environment_opens_a_private_repository(server, tmp_path, reporter, monkeypatch):
    server.token = "hf_test"
    with pytest.raises(SourceError, match="is private"):
        find(tmp_path, reporter)
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    assert find(tmp_path, reporter).weights == (WEIGHTS,)


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/evil.json", "a/../../evil.json", "..\\evil.json", "C:evil.json", "a\nb.json"]
)
def test_names_that_lead_out_of_the_folder_are_refused(server, tmp_path, reporter, name):
    server.files[name] = b"{}"
    with pytest.raises(SourceError, match="would be written outside of the download folder"):
        find(tmp_path, reporter)
    assert not (tmp_path / "downloads").exists()
    assert not any(method == "GET" and "/resolve/" in path for method, path, _ in server.requests)


def test_sharded_weights_are_taken_by_their_index(server, checkpoint_folder, tmp_path, reporter):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(checkpoint_folder)
    model.save_pretrained(tmp_path / "sharded", max_shard_size="100KB")
    shards = sorted(path.name for path in (tmp_path / "sharded").glob("*.safetensors"))
    assert len(shards) > 1
    server.add(tmp_path / "sharded", "model.safetensors.index.json", *shards)
    origin = find(tmp_path, reporter)
    assert list(origin.weights) == shards  # and not the single file that is there as well
    assert not (origin.path / WEIGHTS).exists()
    loaded = checkpoint.load(origin, tmp_path / "work").load_model()
    expected = model.float().state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.state_dict().items())


def test_pickles_are_refused_unless_allowed(server, checkpoint_folder, tmp_path, reporter):
    torch.save(load_file(checkpoint_folder / WEIGHTS), tmp_path / "pytorch_model.bin")
    del server.files[WEIGHTS]
    server.add(tmp_path, "pytorch_model.bin")
    with pytest.raises(SourceError, match="only pickle weights: pytorch_model.bin.*--allow-pickle"):
        find(tmp_path, reporter)
    assert not any("/resolve/" in path for _, path, _ in server.requests)
    origin = find(tmp_path, reporter, allow_pickle=True)
    loaded = checkpoint.load(origin, tmp_path / "work").load_model().state_dict()
    assert all(torch.equal(loaded[name], tensor.float()) for name, tensor in load_file(checkpoint_folder / WEIGHTS).items())


def test_a_pickle_that_would_run_code_does_not(checkpoint_folder, tmp_path, reporter):
    folder = shutil.copytree(checkpoint_folder, tmp_path / "source")
    (folder / WEIGHTS).unlink()

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"model.norm.weight": Evil()}, folder / "pytorch_model.bin")
    origin = find(tmp_path, reporter, str(folder), allow_pickle=True)
    with pytest.raises(SourceError, match=r"cannot be (read|loaded)"):
        checkpoint.load(origin, tmp_path / "work")
    assert not (tmp_path / "ran").exists()


def test_code_in_the_repository_is_never_run(server, tmp_path, reporter):
    config = json.loads(server.files["config.json"])
    config |= {"architectures": ["OwnModel"], "model_type": "own", "auto_map": {"AutoModelForCausalLM": "modeling_own.OwnModel"}}
    server.files["config.json"] = json.dumps(config).encode()
    with pytest.raises(SourceError, match=r"needs code from its own repository \(modeling_own\.OwnModel\).*never runs such code"):
        find(tmp_path, reporter)
    assert server.ranges(WEIGHTS) == []


def test_an_architecture_that_is_not_supported_costs_no_download(server, tmp_path, reporter):
    server.files["config.json"] = json.dumps({"architectures": ["MambaForCausalLM"], "model_type": "mamba"}).encode()
    with pytest.raises(SourceError, match="Unsupported architecture MambaForCausalLM"):
        find(tmp_path, reporter)
    assert server.ranges(WEIGHTS) == []


def test_repositories_without_weights_say_what_there_is(server, tmp_path, reporter):
    del server.files[WEIGHTS]
    server.files["model.Q4_0.gguf"] = b"GGUF"
    with pytest.raises(SourceError, match=r"GGUF files \(model\.Q4_0\.gguf\): download one of them"):
        find(tmp_path, reporter)
    server.files["adapter_config.json"] = b"{}"
    with pytest.raises(SourceError, match="is a LoRA adapter.*base model as SOURCE and this one as --adapter"):
        find(tmp_path, reporter)


def test_a_full_disk_is_said_before_the_download(server, tmp_path, reporter, monkeypatch):
    monkeypatch.setattr("slm_export.hub.shutil.disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 1000))
    with pytest.raises(SourceError, match=r"needs 0\.\d+ GB in .*but only 0\.00 GB are free.*--downloads"):
        find(tmp_path, reporter)
    assert server.ranges("config.json") == []


def test_links_may_not_leave_a_local_folder(checkpoint_folder, tmp_path, reporter):
    folder = shutil.copytree(checkpoint_folder, tmp_path / "source")
    (tmp_path / "secret.json").write_text("{}")
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "generation_config.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(SourceError, match="is a link that leaves the model's folder"):
        find(tmp_path, reporter, str(folder))


def test_links_of_the_hub_cache_may_stay(checkpoint_folder, tmp_path, reporter):
    blobs, snapshot = tmp_path / "models--a--b" / "blobs", tmp_path / "models--a--b" / "snapshots" / COMMIT
    shutil.copytree(checkpoint_folder, blobs)
    snapshot.mkdir(parents=True)
    for path in blobs.iterdir():
        (snapshot / path.name).symlink_to(path)
    assert find(tmp_path, reporter, str(snapshot)).weights == (WEIGHTS,)


def test_the_command_says_it_in_one_message(server, tmp_path):
    server.error = (401, "GatedRepo")
    command = [sys.executable, "-m", "slm_export.cli", "model", "owner/tiny", "--out", tmp_path / "out"]
    program = "import sys; from slm_export.cli import main; main()"
    done = subprocess.run([command[0], "-c", program, *command[3:]], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: owner/tiny is gated")
    assert not (tmp_path / "out").exists()
