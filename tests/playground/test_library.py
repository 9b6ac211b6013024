"""Adding, checking, repairing and removing models: over HTTP, from a hub and from plain folders on a local server."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faraway import COMMIT, PATIENCE_SECONDS, Faraway, serve
from flask import Flask
from flask.testing import FlaskClient
from small_bundle import TOKEN, WEIGHTS, build_bundle

from slm_playground import catalog
from slm_playground.library import layouts, plan, transfer
from slm_playground.library.downloads import Downloads, Job
from slm_playground.library.errors import LibraryError

CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "max_position_embeddings": 512}
REPOSITORY = {
    "README.md": b"# Far",
    "config.json": json.dumps(CONFIG).encode(),
    "tokenizer.json": b"{}",
    "tokenizer_config.json": b"{}",
    "model.safetensors": b"not for the browser" * 50,
    "onnx/model.onnx": b"graph",
    "onnx/model.onnx_data": WEIGHTS,
    "onnx/model_q4f16.onnx": WEIGHTS[::-1],
}


@pytest.fixture
def faraway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faraway]:
    monkeypatch.setattr(transfer, "SEGMENT_BYTES", 1000)
    far = Faraway()
    server = serve(far)
    monkeypatch.setenv(plan.HUB_VARIABLE, far.url)
    far.put_hub("someone/Far-Model", REPOSITORY)
    yield far
    server.shutdown()
    server.server_close()


@pytest.fixture
def bundle_url(faraway: Faraway, tmp_path: Path) -> str:
    """An exported bundle in a plain folder of the other server."""
    folder = build_bundle(tmp_path / "published", "tiny")
    for path in folder.rglob("*"):
        if path.is_file():
            faraway.files[f"/bundles/tiny/{path.relative_to(folder).as_posix()}"] = path.read_bytes()
    # Under another name than the hub, whose addresses are read as the hub's.
    return f"{faraway.url}/bundles/tiny/".replace("127.0.0.1", "localhost")


@pytest.fixture
def write(client: FlaskClient) -> Callable[..., Any]:
    """`write(path, body, method="POST")` as our page does; the answer's JSON."""

    def send(path: str, body: object = None, method: str = "POST", status: int = 200) -> Any:
        response = client.open(path, method=method, json=body or {}, headers={"X-SLM-Token": TOKEN})
        assert response.status_code == status, response.text
        return response.get_json()

    return send


def wait_until_there(client: FlaskClient, model_id: str) -> dict[str, Any]:
    """The model's entry in the list, once its download has ended well."""
    for thread in threading.enumerate():
        if thread.name == f"slm-job-{model_id}":
            thread.join(PATIENCE_SECONDS)
    listed = client.get("/api/models").get_json()["models"]
    found = [model for model in listed if model["id"] == model_id]
    assert found, client.get("/api/downloads").get_json()
    return dict(found[0])


def test_the_token_is_for_our_own_page(client: FlaskClient) -> None:
    assert client.get("/api/session", headers={"Sec-Fetch-Site": "same-origin"}).get_json() == {"token": TOKEN}
    for site in ("same-site", "cross-site", "none"):
        assert client.get("/api/session", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert client.get("/api/session").status_code == 403


def test_every_write_needs_the_token(app: Flask, client: FlaskClient, faraway: Faraway) -> None:
    rules = [(rule.rule, (rule.methods or set()) - {"GET", "HEAD"}) for rule in app.url_map.iter_rules()]
    rules = [(rule, methods) for rule, methods in rules if rule.startswith("/api/") and methods]
    assert len(rules) >= 11
    for rule, methods in rules:
        path = re.sub(r"<[^>]+>", "tiny", rule)
        for method in methods:
            assert client.open(path, method=method, json={"source": "someone/Far-Model"}).status_code == 403
    assert faraway.asked == []


def test_a_hub_repository_is_looked_up_at_its_commit(faraway: Faraway, write: Callable[..., Any]) -> None:
    found = write("/api/lookups", {"source": "someone/Far-Model"})
    assert found["revision"] == COMMIT
    assert found["licence"] == "mit"
    assert (found["family"], found["architecture"], found["context_length"]) == ("llama", "decoder", 512)
    assert [part["name"] for part in found["parts"]] == ["webgpu-q4f16", "webgpu-fp32", "cpu-fp32"]
    assert "model.safetensors" not in [file["path"] for file in found["files"]]
    for other in ("someone/Far-Model@main", f"{faraway.url}/someone/Far-Model", f"{faraway.url}/someone/Far-Model/tree/main"):
        assert write("/api/lookups", {"source": other}) == {**found, "source": other}


def test_one_variant_of_a_hub_repository(client: FlaskClient, faraway: Faraway, write: Callable[..., Any], models: Path) -> None:
    job = write("/api/downloads", {"source": "someone/Far-Model", "variants": ["webgpu-q4f16"]})
    assert (job["id"], job["state"]) == ("far-model", "running")
    model = wait_until_there(client, "far-model")
    assert (model["kind"], model["licence"], model["repairable"]) == ("onnx-repository", "mit", True)
    assert [variant["name"] for variant in model["variants"]] == ["webgpu-q4f16"]
    assert faraway.ranges("onnx/model.onnx_data") == []
    assert client.get("/models/far-model/onnx/model_q4f16.onnx").data == WEIGHTS[::-1]
    assert client.get("/models/far-model/onnx/model.onnx").status_code == 404
    assert client.get("/models/far-model/origin.json").status_code == 404
    assert client.get("/models/far-model/manifest.json").get_json()["kind"] == "onnx-repository"
    assert client.get("/api/downloads").get_json() == {"downloads": []}
    assert list((models / ".downloads").iterdir()) == []


def test_a_bundle_by_its_address(client: FlaskClient, bundle_url: str, write: Callable[..., Any], models: Path) -> None:
    for address in (bundle_url, bundle_url.rstrip("/"), bundle_url + "manifest.json"):
        found = write("/api/lookups", {"source": address})
        assert [(part["name"], part["perplexity_ratio"]) for part in found["parts"]] == [
            ("webgpu-q4f16", 1.003),
            ("cpu-int8", 1.003),
        ]
    write("/api/downloads", {"source": bundle_url, "variants": ["cpu-int8"]})
    model = wait_until_there(client, "tiny")
    assert [variant["name"] for variant in model["variants"]] == ["cpu-int8"]
    assert model["variants"][0]["fidelity"]["perplexity_ratio"] == 1.003
    assert catalog.scan(models, deep=True).problem is None
    assert not (models / "tiny" / "webgpu-q4f16").exists()
    assert write("/api/downloads", {"source": bundle_url}, status=409)["error"]["message"].startswith(
        "There is a model called tiny"
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("someone/Nothing", "has no model"),
        ("someone/Far-Model@old", "with the revision old"),
        ("http://example.org/bundle/", "over https"),
        ("just words", "over https"),
    ],
)
def test_what_cannot_be_looked_up(faraway: Faraway, write: Callable[..., Any], source: str, said: str) -> None:
    with pytest.raises(LibraryError, match=said):
        plan.look_up(source)


def test_repositories_that_no_browser_can_run(faraway: Faraway) -> None:
    faraway.put_hub("a/weights-only", {"config.json": b"{}", "model.safetensors": b"x"})
    with pytest.raises(LibraryError, match="no ONNX graph"):
        plan.look_up("a/weights-only")
    faraway.put_hub("a/t5", {**REPOSITORY, "config.json": b'{"architectures": ["T5ForConditionalGeneration"]}'})
    with pytest.raises(LibraryError, match="need a bundle of our exporter"):
        plan.look_up("a/t5")
    faraway.put_hub("a/evil", {**REPOSITORY, "../evil.json": b"{}"})
    with pytest.raises(LibraryError, match="would leave its folder"):
        plan.look_up("a/evil")
    faraway.files[f"{faraway.url}/page/manifest.json"] = b"<html>"
    with pytest.raises(LibraryError, match="There is no model at"):
        plan.look_up(f"{faraway.url}/page/")


def test_a_pause_survives_a_restart(faraway: Faraway, models: Path) -> None:
    downloads = Downloads(models, patience=0)
    reached, go_on = threading.Event(), threading.Event()

    def hold(path: str, wanted: str | None) -> None:
        # The eighth segment is asked for when four workers have finished four at least.
        if path.endswith("onnx_data") and wanted == "bytes=7000-7999":
            reached.set()
            assert go_on.wait(PATIENCE_SECONDS)

    faraway.moods.before_body = hold
    wanted = plan.look_up("someone/Far-Model").chosen(["cpu-fp32"])
    downloads.add(wanted)
    assert reached.wait(PATIENCE_SECONDS)
    assert downloads.pause("far-model")["state"] == "paused"
    go_on.set()
    downloads.wait("far-model")
    assert not (models / "far-model").exists()
    before = len(faraway.asked)

    again = Downloads(models, patience=0)
    (job,) = again.jobs()
    assert (job["state"], job["name"], job["variants"]) == ("paused", "Far-Model", ["cpu-fp32"])
    assert job["total_bytes"] > job["received_bytes"] > 0
    again.resume("far-model")
    again.wait("far-model")
    assert again.jobs() == []
    assert (models / "far-model" / "onnx" / "model.onnx_data").read_bytes() == WEIGHTS
    later = [path for path, _ in faraway.asked[before:]]
    assert not any(path.endswith(("config.json", "tokenizer.json")) for path in later)
    assert len(later) <= 7


def test_a_pause_taken_back_behind_the_last_file_fetches_nothing_again(
    faraway: Faraway, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that was paused finished the job all the same, and the one after it began from nothing."""
    downloads = Downloads(models, patience=0)
    wanted = plan.look_up("someone/Far-Model").chosen(["cpu-fp32"])
    resumed, save = threading.Event(), Job.save
    asked: list[int] = []
    runs: list[threading.Thread | None] = []

    def save_and_pause(job: Job) -> None:
        save(job)
        if len(job.done) == len(wanted.files) and not asked:
            asked.append(len(faraway.asked))
            downloads.pause("far-model")
            downloads.resume("far-model")
            runs.append(job.thread)
            resumed.set()

    monkeypatch.setattr(Job, "save", save_and_pause)
    downloads.add(wanted)
    assert resumed.wait(PATIENCE_SECONDS)
    assert runs[0]
    runs[0].join()
    assert downloads.jobs() == []
    assert (models / "far-model" / "onnx" / "model.onnx_data").read_bytes() == WEIGHTS
    assert asked == [len(faraway.asked)]


def test_a_failure_is_said_and_can_be_tried_again(faraway: Faraway, models: Path) -> None:
    wanted = plan.look_up("someone/Far-Model").chosen(["webgpu-q4f16"])
    graph = f"/someone/Far-Model/resolve/{COMMIT}/onnx/model_q4f16.onnx"
    faraway.files[graph] = WEIGHTS
    downloads = Downloads(models, patience=0)
    downloads.add(wanted)
    downloads.wait("far-model")
    (job,) = downloads.jobs()
    assert job["state"] == "failed"
    assert "does not have the SHA-256" in job["problem"]["message"]
    assert (job["problem"]["kind"], job["problem"]["facts"]["path"]) == ("damaged", "onnx/model_q4f16.onnx")
    assert [entry.folder for entry in catalog.scan(models).entries] == []
    faraway.files[graph] = WEIGHTS[::-1]
    downloads.resume("far-model")
    downloads.wait("far-model")
    assert downloads.jobs() == []


def test_a_cancelled_download_leaves_nothing(faraway: Faraway, models: Path) -> None:
    reached = threading.Event()

    def hold(path: str, wanted: str | None) -> None:
        # This segment comes once the cancel has: the download cannot end before it.
        if wanted == "bytes=3000-3999":
            stop = downloads._jobs["far-model"].stop
            reached.set()
            assert stop.wait(PATIENCE_SECONDS)

    faraway.moods.before_body = hold
    downloads = Downloads(models, patience=0)
    downloads.add(plan.look_up("someone/Far-Model"))
    assert reached.wait(PATIENCE_SECONDS)
    downloads.cancel("far-model")
    assert downloads.jobs() == []
    assert list((models / ".downloads").iterdir()) == []
    with pytest.raises(LibraryError, match="no such download"):
        downloads.resume("far-model")


def test_a_full_disk_is_told_before(faraway: Faraway, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = plan.look_up("someone/Far-Model")
    huge = [replace(file, size_bytes=10**18) for file in real.files]
    with pytest.raises(LibraryError, match="Delete models that you do not need") as caught:
        Downloads(models).add(replace(real, files=tuple(huge)))
    assert caught.value.status == 507


def test_one_damaged_file_is_found_and_fetched_alone(
    client: FlaskClient, faraway: Faraway, write: Callable[..., Any], models: Path
) -> None:
    write("/api/downloads", {"source": "someone/Far-Model", "variants": ["cpu-fp32"]})
    wait_until_there(client, "far-model")
    data = models / "far-model" / "onnx" / "model.onnx_data"
    data.write_bytes(WEIGHTS[:-1] + b"!")
    files = client.get("/models/far-model/manifest.json").get_json()["files"]
    checked = {f["path"]: write("/api/models/far-model/check", {"path": f["path"]})["problem"] for f in files}
    assert [path for path, problem in checked.items() if problem] == ["onnx/model.onnx_data"]
    assert "damaged" in checked["onnx/model.onnx_data"]
    faraway.asked.clear()
    write("/api/models/far-model/repair", {"paths": ["onnx/model.onnx_data"]})
    wait_until_there(client, "far-model")
    assert data.read_bytes() == WEIGHTS
    assert {path.rpartition("/")[2] for path, _ in faraway.asked} == {"model.onnx_data"}
    message = write("/api/models/far-model/repair", {"paths": ["other"]}, status=400)["error"]["message"]
    assert "do not belong" in message


def test_a_model_of_unknown_origin_cannot_be_repaired(make_bundle: Callable[..., Path], write: Callable[..., Any]) -> None:
    make_bundle()
    message = write("/api/models/tiny/repair", {"paths": ["LICENSE"]}, status=400)["error"]["message"]
    assert "does not know where its files are" in message


def test_deleting_says_what_it_freed(
    client: FlaskClient, make_bundle: Callable[..., Path], write: Callable[..., Any], models: Path
) -> None:
    make_bundle("kept")
    folder = make_bundle()
    size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert write("/api/models/tiny", method="DELETE") == {"freed_bytes": size_bytes}
    assert [model["id"] for model in client.get("/api/models").get_json()["models"]] == ["kept"]
    assert {path.name for path in models.iterdir()} == {"kept", ".trash"}
    assert write("/api/models/tiny/restore") == {}
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) == size_bytes
    write("/api/models/tiny", method="DELETE")
    write("/api/models/tiny", method="DELETE", status=404)
    write("/api/models/.downloads", method="DELETE", status=404)
    write("/api/models/..", method="DELETE", status=404)


def upload(client: FlaskClient, files: dict[str, bytes], name: str = "mine") -> Any:
    headers = {"X-SLM-Token": TOKEN}
    begun = client.post(
        f"/api/uploads/{name}", json={"files": {path: len(data) for path, data in files.items()}}, headers=headers
    )
    if begun.status_code != 200:
        return begun
    for path, data in files.items():
        for offset in range(begun.get_json()["received"][path], len(data), 4000):
            client.put(
                f"/api/uploads/{name}/{path}?offset={offset}",
                data=data[offset : offset + 4000],
                content_type="application/octet-stream",
                headers=headers,
            )
    return client.post(f"/api/uploads/{name}/finish", json={}, headers=headers)


def test_a_folder_of_the_user(client: FlaskClient, tmp_path: Path, models: Path) -> None:
    folder = build_bundle(tmp_path / "mine", "tiny")
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert upload(client, files).get_json() == {"id": "tiny"}
    assert catalog.scan(models, deep=True).problem is None
    assert "already" in upload(client, files, "tiny").get_json()["error"]["message"]


def test_a_repository_of_the_user_and_what_is_wrong_with_others(client: FlaskClient, models: Path) -> None:
    incomplete = {path: data for path, data in REPOSITORY.items() if path != "tokenizer.json"}
    assert "has no tokenizer.json" in upload(client, incomplete).get_json()["error"]["message"]
    assert upload(client, REPOSITORY).get_json() == {"id": "mine"}
    assert client.get("/models/mine/onnx/model.onnx_data").data == WEIGHTS
    assert "neither a manifest.json" in upload(client, {"photo.jpg": b"1"}, "photos").get_json()["error"]["message"]
    assert "cannot be stored safely" in upload(client, {"../x": b"1"}, "odd").get_json()["error"]["message"]
    assert client.delete("/api/uploads/photos", json={}, headers={"X-SLM-Token": TOKEN}).status_code == 200
    assert not (models / ".uploads" / "photos").exists()


def test_a_damaged_upload_is_refused(client: FlaskClient, tmp_path: Path, models: Path) -> None:
    folder = build_bundle(tmp_path / "mine", "tiny")
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    files["cpu-int8/model.onnx.data"] = files["cpu-int8/model.onnx.data"][::-1]
    assert "cpu-int8/model.onnx.data is missing or not as" in upload(client, files).get_json()["error"]["message"]
    assert catalog.scan(models).entries == ()


def test_a_repository_whose_description_names_another_place_is_refused(client: FlaskClient, models: Path) -> None:
    assert upload(client, REPOSITORY).status_code == 200
    described = json.loads((models / "mine" / "manifest.json").read_text(encoding="utf-8"))
    for name in ("../beside", ".hidden", "a/b"):
        files = {**REPOSITORY, "manifest.json": json.dumps({**described, "id": name}).encode()}
        assert "cannot be the name of a model" in upload(client, files, "again").get_json()["error"]["message"]
    assert not (models.parent / "beside").exists()


def test_the_engine_reads_the_same_layouts() -> None:
    source = (Path(__file__).resolve().parents[2] / "web/src/engine/foreign-folder.ts").read_text(encoding="utf-8")
    places = re.search(r"const PLACES = \[(.*?)\]", source)
    kinds = re.search(r"const KINDS.*?= \{(.*?)\n\}", source, re.DOTALL)
    assert places
    assert kinds
    assert tuple(re.findall(r"'([^']*)'", places[1])) == layouts.PLACES
    theirs = {
        device: tuple(re.findall(r"ending: '([^']*)', type: '(float\d+)'", block))
        for device, block in re.findall(r"(\w+): \[(.*?)\n  \]", kinds[1], re.DOTALL)
    }
    ours = {
        device: tuple((ending, "float16" if requires else "float32") for ending, requires in endings)
        for device, endings in layouts.ENDINGS.items()
    }
    assert theirs == ours
