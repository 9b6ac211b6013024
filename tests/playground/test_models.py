"""GET /api/models and the files of bundles: what is listed, what is served, how, and what never is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

DATA = "/models/tiny/cpu-int8/model.onnx.data"


@pytest.fixture
def weights(make_bundle: Callable[..., Path]) -> bytes:
    """The biggest file of the bundle `tiny`, which is there from now on."""
    return (make_bundle() / "cpu-int8/model.onnx.data").read_bytes()


def test_models_are_listed_with_what_a_chooser_needs(client: FlaskClient, make_bundle: Callable[..., Path], models: Path) -> None:
    make_bundle("zeta")
    make_bundle("alpha")
    response = client.get("/api/models")
    assert response.headers["Cache-Control"] == "no-store"
    data = response.get_json()
    assert data["models_dir"] == str(models)
    assert data["errors"] == []
    assert data["problem"] is None
    assert [model["id"] for model in data["models"]] == ["alpha", "zeta"]
    alpha = data["models"][0]
    on_disk = {path.name: path.stat().st_size for path in (models / "alpha").iterdir() if path.is_file()}
    shared = sum(size for name, size in on_disk.items() if name != "manifest.json")
    cpu = sum(path.stat().st_size for path in (models / "alpha/cpu-int8").iterdir())
    fidelity = alpha["variants"][1].pop("fidelity")
    assert (fidelity["top1_agreement"], fidelity["perplexity_ratio"]) == (0.98, 1.003)
    assert alpha["variants"][1] == {
        "name": "cpu-int8",
        "device": "cpu",
        "requires": [],
        "download_bytes": shared + cpu,
        "memory_bytes": 50_000,
        "bits_per_weight": 8.5,
        "has_program": False,
    }
    assert alpha["variants"][0]["requires"] == ["shader-f16"]
    assert {key: value for key, value in alpha.items() if key != "variants"} == {
        "id": "alpha",
        "url": "/models/alpha/",
        "name": "Tiny alpha",
        "description": "A model for tests.",
        "family": "llama",
        "architecture": "decoder",
        "tasks": ["chat"],
        "parameters": 1000,
        "context_length": 128,
        "licence": "Apache-2.0",
        "licence_file": "LICENSE",
        "kind": "bundle",
        "repairable": False,
        "size_bytes": sum(path.stat().st_size for path in (models / "alpha").rglob("*") if path.is_file()),
    }
    assert data["disk"]["total_bytes"] >= data["disk"]["free_bytes"] > 0


def test_a_bundle_that_does_not_chat_is_listed_as_what_it_is(
    client: FlaskClient,
    make_bundle: Callable[..., Path],
    change_manifest: Callable[[Path, Callable[[dict[str, Any]], object]], None],
) -> None:
    def become_encoder(manifest: dict[str, Any]) -> None:
        encoder = {"task": "embeddings", "labels": [], "multi_label": False, "pooling": "mean", "normalize": True}
        manifest |= {"architecture": "encoder", "tasks": ["embeddings"], "kv": None}
        manifest["encoder"] = encoder | {"dimensions": 2, "max_tokens": 16}
        manifest["reference"]["outputs"] = [0.6, 0.8]

    change_manifest(make_bundle(), become_encoder)
    (model,) = client.get("/api/models").get_json()["models"]
    assert (model["architecture"], model["tasks"]) == ("encoder", ["embeddings"])
    assert client.get(DATA).status_code == 200


def test_every_url_of_the_list_works(client: FlaskClient, weights: bytes) -> None:
    (model,) = client.get("/api/models").get_json()["models"]
    manifest = client.get(model["url"] + "manifest.json")
    assert manifest.mimetype == "application/json"
    for variant in manifest.get_json()["variants"]:
        for entry in [*manifest.get_json()["files"], *variant["files"]]:
            response = client.get(model["url"] + entry["path"])
            assert response.status_code == 200
            assert hashlib.sha256(response.data).hexdigest() == entry["sha256"]
            assert response.headers["ETag"].startswith(f'"{entry["sha256"]}-')
            assert response.headers["Cache-Control"] == "no-cache"


def test_a_new_bundle_shows_without_a_restart(client: FlaskClient, make_bundle: Callable[..., Path]) -> None:
    assert client.get("/api/models").get_json()["models"] == []
    make_bundle("later")
    assert [model["id"] for model in client.get("/api/models").get_json()["models"]] == ["later"]


def test_broken_bundles_are_listed_with_their_error(
    client: FlaskClient,
    make_bundle: Callable[..., Path],
    change_manifest: Callable[..., None],
    weights: bytes,
) -> None:
    truncated = make_bundle("truncated") / "cpu-int8/model.onnx.data"
    truncated.write_bytes(weights[:100])
    change_manifest(make_bundle("from-the-future"), lambda data: data.update(format=2))
    data = client.get("/api/models").get_json()
    assert [model["id"] for model in data["models"]] == ["tiny"]
    assert data["problem"] is None
    future, short = data["errors"]
    assert future["folder"] == "from-the-future"
    assert future["name"] is None
    assert "this version reads format 1, found 2" in future["error"]
    assert "update SLM Playground" in future["error"]
    assert short["name"] == "Tiny truncated"
    assert "has 100 bytes, its manifest says 10,240" in short["error"]
    assert "Export the bundle again" in short["error"]


def test_no_model_says_what_to_do(client: FlaskClient, models: Path) -> None:
    problem = client.get("/api/models").get_json()["problem"]
    assert f"No model in {models}" in problem
    assert "`make run`" in problem
    models.rmdir()
    response = client.get("/api/models")
    assert response.status_code == 200
    assert f"There is no models folder at {models}" in response.get_json()["problem"]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-299", 100, 300),
        ("bytes=10000-", 10000, 10240),
        ("bytes=-5", 10235, 10240),
        ("bytes=5-99999", 5, 10240),
    ],
)
def test_one_range(client: FlaskClient, weights: bytes, asked: str, start: int, end: int) -> None:
    response = client.get(DATA, headers={"Range": asked})
    assert response.status_code == 206
    assert response.data == weights[start:end]
    assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(weights)}"
    assert response.headers["Content-Length"] == str(end - start)
    assert response.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=99999-100000", "bytes=0-1,5-6", "bytes=x-y", "lines=1-2"])
def test_a_range_outside_the_file_is_416_and_tells_the_size(client: FlaskClient, weights: bytes, asked: str) -> None:
    response = client.get(DATA, headers={"Range": asked})
    assert response.status_code == 416
    assert response.headers["Content-Range"] == f"bytes */{len(weights)}"
    assert "outside the file" in response.get_json()["error"]["message"]


def test_a_resumed_download_goes_on_only_with_the_same_file(client: FlaskClient, weights: bytes) -> None:
    etag = client.get(DATA).headers["ETag"]
    same = client.get(DATA, headers={"Range": "bytes=10-", "If-Range": etag})
    assert (same.status_code, same.data) == (206, weights[10:])
    other = client.get(DATA, headers={"Range": "bytes=10-", "If-Range": '"of-an-older-export"'})
    assert (other.status_code, other.data) == (200, weights)


def test_unchanged_files_are_304(client: FlaskClient, weights: bytes) -> None:
    for path in (DATA, "/models/tiny/manifest.json"):
        etag = client.get(path).headers["ETag"]
        response = client.get(path, headers={"If-None-Match": etag})
        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["ETag"] == etag
        assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_changed_manifest_is_sent_again(client: FlaskClient, make_bundle: Callable[..., Path], change_manifest: Any) -> None:
    folder = make_bundle()
    etag = client.get("/models/tiny/manifest.json").headers["ETag"]
    change_manifest(folder, lambda data: data.update(name="Renamed"))
    response = client.get("/models/tiny/manifest.json", headers={"If-None-Match": etag})
    assert response.status_code == 200
    assert response.get_json()["name"] == "Renamed"


def test_head_has_the_headers_and_no_body(client: FlaskClient, weights: bytes) -> None:
    get, head = client.get(DATA), client.head(DATA)
    assert head.data == b""
    assert dict(head.headers) == {**dict(get.headers), "Date": head.headers["Date"]}


OUTSIDE = [
    "/models/tiny/../secret.txt",
    "/models/tiny/%2e%2e/secret.txt",
    "/models/tiny/..%2fsecret.txt",
    "/models/tiny/%2e%2e%2fsecret.txt",
    "/models/tiny/..%5csecret.txt",
    "/models/tiny/..\\secret.txt",
    "/models/tiny/cpu-int8/../../../secret.txt",
    "/models/../secret.txt",
    "/models/..%2fsecret.txt",
    "/models/%2e%2e/secret.txt",
    "/models//tiny/manifest.json",
    "/models/tiny//manifest.json",
    "/models/tiny/./manifest.json",
    "/models/./tiny/manifest.json",
    "/models/tiny/%00",
    "/models/tiny/manifest.json%00.txt",
    "/models/%00/manifest.json",
    "/models/tiny/unlisted.txt",
    "/models/tiny/cpu-int8",
    "/models/tiny/cpu-int8/",
    "/models/tiny/",
    "/models/tiny",
    "/models/",
    "/models/TINY/manifest.json",
    "/models/.hidden/manifest.json",
    "/models/tiny/%252e%252e/secret.txt",
    "/models/tiny/..%c0%afsecret.txt",
    "/models/tiny/%f0%9f%92%a9",
    "/models/{absolute}",
    "/models/tiny/{absolute}",
    "/..%2fmodels/tiny/manifest.json",
    "/%2e%2e/secret.txt",
    "/../secret.txt",
    "/..%5csecret.txt",
    "/assets/../../secret.txt",
    "/assets/%2e%2e/%2e%2e/secret.txt",
    "/{absolute}",
    "/C:/secret.txt",
    "/C:%5csecret.txt",
    "/%00",
    "/assets",
    "/assets/",
    # Longer than a disk allows.
    "/" + "a" * 5000,
    "/models/" + "a" * 300 + "/manifest.json",
    "/models/tiny/" + "a" * 5000,
]


def test_nothing_outside_the_lists_is_served(
    live: Any, fetch: Callable[..., Any], make_bundle: Callable[..., Path], models: Path
) -> None:
    # Over a socket, so that no client tidies the paths up.
    secret = models.parent / "secret.txt"
    for file in (secret, models / "secret.txt", make_bundle() / "unlisted.txt", make_bundle(".hidden") / "x"):
        file.write_text("a secret")
    answers = {path: fetch(live, path.replace("{absolute}", str(secret))) for path in OUTSIDE}
    assert {path: answer.status for path, answer in answers.items() if answer.status != 404} == {}
    assert [path for path, answer in answers.items() if b"a secret" in answer.body] == []
    assert fetch(live, "/models/tiny/README.md").status == 200


def test_a_link_out_of_the_bundle_is_an_error_and_is_not_served(
    client: FlaskClient, make_bundle: Callable[..., Path], models: Path
) -> None:
    readme = make_bundle() / "README.md"
    outside = models.parent / "outside"
    outside.write_bytes(readme.read_bytes())
    readme.unlink()
    readme.symlink_to(outside)
    assert client.get("/models/tiny/README.md").status_code == 500
    (error,) = client.get("/api/models").get_json()["errors"]
    assert "README.md is a link that leaves the bundle" in error["error"]


def test_a_damaged_file_is_refused_with_the_reason(client: FlaskClient, make_bundle: Callable[..., Path], weights: bytes) -> None:
    folder = make_bundle()
    (folder / "cpu-int8/model.onnx.data").write_bytes(weights + b"!")
    response = client.get(DATA)
    assert response.status_code == 500
    assert "has 10,241 bytes, its manifest says 10,240" in response.get_json()["error"]["message"]
    (folder / "cpu-int8/model.onnx.data").unlink()
    response = client.get(DATA)
    assert response.status_code == 404
    assert "is missing" in response.get_json()["error"]["message"]


def test_an_unreadable_manifest_is_still_sent_as_it_is(client: FlaskClient, make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    (folder / "manifest.json").write_text('{"format": 2}')
    assert client.get("/models/tiny/manifest.json").get_json() == {"format": 2}
    response = client.get("/models/tiny/README.md")
    assert response.status_code == 500
    assert "found 2" in response.get_json()["error"]["message"]


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [("page.html", "application/octet-stream"), ("run.js", "application/octet-stream"), ("x.svg", "application/octet-stream")],
)
def test_nothing_in_a_bundle_is_sent_as_code(
    client: FlaskClient, make_bundle: Callable[..., Path], change_manifest: Any, name: str, mime_type: str
) -> None:
    folder = make_bundle()
    (folder / name).write_text("<script>alert(1)</script>")
    entry = {"path": name, "size_bytes": 25, "sha256": "0" * 64}
    change_manifest(folder, lambda data: data["files"].append(entry))
    response = client.get(f"/models/tiny/{name}")
    assert (response.status_code, response.mimetype) == (200, mime_type)


@pytest.mark.parametrize(
    ("path", "mime_type"),
    [
        ("cpu-int8/model.onnx", "application/octet-stream"),
        ("cpu-int8/model.onnx.data", "application/octet-stream"),
        ("tokenizer.json", "application/json"),
        ("chat_template.jinja", "text/plain"),
        ("README.md", "text/markdown"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_mime_types_of_a_bundle(client: FlaskClient, weights: bytes, path: str, mime_type: str) -> None:
    assert client.get(f"/models/tiny/{path}").mimetype == mime_type


def test_health_tells_the_version_and_nothing_of_the_machine(client: FlaskClient) -> None:
    from importlib.metadata import version

    assert client.get("/api/health").get_json() == {"status": "ok", "version": version("slm-playground")}
