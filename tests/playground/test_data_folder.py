"""The data folder over HTTP: who may ask, limits, the move with everything that can go wrong, reset."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from faraway import PATIENCE_SECONDS
from flask import Flask
from flask.testing import FlaskClient
from small_bundle import PORT, TOKEN, build_bundle

from slm_playground import paths
from slm_playground.data import folder as folders
from slm_playground.data.errors import DataError
from slm_playground.data.place import DataPlace
from slm_playground.data.records import Records, Write
from slm_playground.server import Config, create_app

TOLD = {"X-SLM-Token": TOKEN}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv(paths.DATA_VARIABLE, str(folder))
    return folder


class Client:
    """The page, as far as its requests go."""

    def __init__(self, app: Flask) -> None:
        self._client = FlaskClient(app, use_cookies=False)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        base = f"http://127.0.0.1:{PORT}"
        return self._client.open(path, method=method, json=body, headers=headers, base_url=base, buffered=True)

    def post(self, path: str, body: Any) -> Any:
        return self.ask("POST", path, body, **TOLD)


@pytest.fixture
def place(home: Path):
    opened = DataPlace(home)
    yield opened
    opened.mover.cancel()
    opened.mover.wait()
    opened.close()


@pytest.fixture
def page(place: DataPlace, home: Path, static: Path) -> Client:
    (home / "models").mkdir(parents=True)
    build_bundle(home / "models", "tiny", b"weights" * 100_000)
    return Client(create_app(Config(PORT, TOKEN, home / "models", static, place)))


def record(name: str, body: Any = None, **more: Any) -> dict[str, Any]:
    return {"kind": "message", "id": name, "parent": "c", "base": 0, "written_at": 1, "body": body or {}, **more}


def test_what_was_written_is_read_with_the_token_only(page: Client) -> None:
    body = {"records": [record("c/a", {"text": "halves \ud83d of a character, ü, 漢字"})]}
    assert page.ask("POST", "/api/data/push", body).status_code == 403
    assert page.ask("POST", "/api/data/pull", {"after": 0}).status_code == 403
    assert page.ask("GET", "/api/data/pull").status_code == 404
    assert page.ask("POST", "/api/data/pull", {"after": 0}, **TOLD, Origin="http://127.0.0.1:1").status_code == 403
    assert page.ask("GET", "/api/data/change", **{"Sec-Fetch-Site": "same-site"}).status_code == 403
    pushed = page.post("/api/data/push", body).get_json()
    pulled = page.post("/api/data/pull", {"after": 0}).get_json()
    assert pulled["records"] == pushed["records"]
    assert pulled["records"][0]["body"] == body["records"][0]["body"]
    assert (pulled["next"], pulled["more"], pulled["epoch"]) == (1, False, pushed["epoch"])
    told = page.ask("GET", "/api/data/change").get_json()
    assert (told["epoch"], told["change"], told["enabled"]) == (pushed["epoch"], 1, True)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"kind": "file"}, 400),
        ({"kind": ["chat"]}, 400),
        ({"id": ""}, 400),
        ({"id": "x" * 4001}, 400),
        ({"id": "line\nend"}, 400),
        ({"parent": None}, 400),
        ({"base": -1}, 400),
        ({"base": True}, 400),
        ({"written_at": 1.5}, 400),
        ({"body": "text"}, 400),
        ({"body": {"text": "x" * 3_500_000}}, 413),
        ({"body": {"text": "x" * (4 << 20)}}, 413),
    ],
)
def test_what_is_no_record_or_too_large_is_refused_whole(page: Client, wrong: dict[str, Any], status: int) -> None:
    answer = page.post("/api/data/push", {"records": [record("good"), {**record("bad"), **wrong}]})
    assert answer.status_code == status
    assert answer.get_json()["error"]["message"]
    assert page.post("/api/data/pull", {"after": 0}).get_json()["records"] == []


def test_a_batch_has_a_limit(page: Client) -> None:
    many = [record(f"r{number}") for number in range(501)]
    assert page.post("/api/data/push", {"records": many}).status_code == 400
    assert page.post("/api/data/push", {"records": many[:500]}).status_code == 200
    answer = page.post("/api/data/pull", {"after": 0}).get_json()
    assert (len(answer["records"]), answer["more"]) == (300, True)
    rest = page.post("/api/data/pull", {"after": answer["next"]}).get_json()
    assert (len(rest["records"]), rest["more"]) == (200, False)


def test_the_folder_says_what_is_in_it(page: Client, home: Path) -> None:
    page.post("/api/data/push", {"records": [record("a")]})
    told = page.ask("GET", "/api/data").get_json()
    assert told["folder"] == str(home)
    sizes = {part["name"]: part["size_bytes"] for part in told["parts"]}
    assert sizes["models"] >= 700_000
    assert sizes["records"] > 0
    assert sizes["logs"] == 0
    assert told["records"]["counts"] == {"message": 1}


def test_a_move_takes_everything_and_the_server_goes_on(page: Client, place: DataPlace, home: Path, tmp_path: Path) -> None:
    (home / "settings").mkdir()
    (home / "settings" / "window.json").write_text("{}")
    (home / "logs").mkdir()
    (home / "logs" / "server-1.log").write_text("{}")
    (home / "downloads").mkdir()
    page.post("/api/data/push", {"records": [record("a")]})
    target = tmp_path / "elsewhere" / "new"
    before = page.ask("GET", "/models/tiny/manifest.json").data
    assert page.post("/api/data/move", {"folder": str(target)}).status_code == 200
    place.mover.wait()
    assert page.ask("GET", "/api/data/move").get_json()["move"]["state"] == "done"
    assert paths.data_dir() == target
    assert page.ask("GET", "/models/tiny/manifest.json").data == before
    assert page.ask("GET", "/api/models").get_json()["models_dir"] == str(target / "models")
    page.post("/api/data/push", {"records": [record("b")]})
    assert page.ask("GET", "/api/data").get_json()["records"]["counts"] == {"message": 2}
    assert sorted(path.name for path in home.iterdir()) == ["downloads", "moved.json"], "nothing of ours is left"
    assert (target / "settings" / "window.json").is_file()
    assert (target / "logs" / "before-the-move" / "server-1.log").is_file()

    # And back again.
    assert page.post("/api/data/move", {"folder": str(home)}).status_code == 200
    place.mover.wait()
    assert paths.data_dir() == home
    assert not (home / "moved.json").exists()
    assert page.ask("GET", "/api/data").get_json()["records"]["counts"] == {"message": 2}


def test_another_server_on_the_same_folder_follows(
    page: Client, place: DataPlace, home: Path, static: Path, tmp_path: Path
) -> None:
    with closing(DataPlace(home)) as second:
        other = Client(create_app(Config(PORT, TOKEN, home / "models", static, second)))
        other.post("/api/data/push", {"records": [record("a")]})
        page.post("/api/data/move", {"folder": str(tmp_path / "new")})
        place.mover.wait()
        assert other.post("/api/data/push", {"records": [record("b")]}).status_code == 200
        assert page.ask("GET", "/api/data").get_json()["records"]["counts"] == {"message": 2}
        assert other.ask("GET", "/models/tiny/manifest.json").status_code == 200


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_models_are_left_alone_while_they_are_moved(page: Client, place: DataPlace, home: Path, tmp_path: Path) -> None:
    pipe = home / "models" / "tiny" / "pipe"
    os.mkfifo(pipe)  # the copy waits here until its other end is closed
    assert page.post("/api/data/move", {"folder": str(tmp_path / "new")}).status_code == 200
    held = pipe.open("wb")  # returns when the copy has come here
    answers = [page.post(path, {"source": "a/b", "files": {"x": 1}}) for path in ("/api/downloads", "/api/uploads/mine")]
    answers.append(page.ask("DELETE", "/api/models/tiny", {}, **TOLD))
    page.ask("DELETE", "/api/data/move", {}, **TOLD)
    held.close()
    place.mover.wait()
    assert [answer.status_code for answer in answers] == [409, 409, 409]
    assert page.ask("GET", "/api/data/move").get_json()["move"]["state"] == "cancelled"
    assert not (tmp_path / "new").exists()
    assert page.ask("GET", "/models/tiny/manifest.json").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("", "whole path"),
        ("relative/place", "whole path"),
        ("{home}", "lie in one another"),
        ("{home}/inside", "lie in one another"),
        ("{home}/..", "lie in one another"),
        ("{home}/../file", "is a file"),
        ("{home}/../taken", "has models already"),
        ("/proc/slm", "cannot be written"),
    ],
)
def test_places_that_will_not_do(page: Client, home: Path, tmp_path: Path, wanted: str, says: str) -> None:
    if wanted.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("no /proc here")
    (tmp_path / "file").write_text("")
    (tmp_path / "taken" / "models").mkdir(parents=True)
    answer = page.post("/api/data/move", {"folder": wanted.format(home=home)})
    assert answer.status_code in (400, 507)
    assert says in answer.get_json()["error"]["message"]
    assert paths.data_dir() == home


def test_a_disk_without_room_is_told_before_anything_is_copied(page: Client, home: Path, tmp_path: Path) -> None:
    with (home / "models" / "tiny" / "huge.bin").open("wb") as file:
        file.truncate(1 << 43)  # eight terabytes on paper, nothing on the disk
    answer = page.post("/api/data/move", {"folder": str(tmp_path / "new")})
    assert answer.status_code == 507
    assert "Free some space" in answer.get_json()["error"]["message"]
    assert not (tmp_path / "new").exists()


_MOVE = """
import os, resource, sys
from pathlib import Path
from slm_playground.data.place import DataPlace
from slm_playground.data.folder import settle
place = DataPlace(settle())
if len(sys.argv) > 2:
    place.records()
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
place.mover.start(sys.argv[1], ("models", "records", "settings", "logs"))
print("started", flush=True)
place.mover.wait()
print(place.mover.progress.state, place.mover.progress.message, flush=True)
"""


def fill(home: Path) -> None:
    (home / "models").mkdir(parents=True)
    build_bundle(home / "models", "tiny", b"weights" * 100_000)
    with closing(Records(home / "records")) as records:
        records.push([Write("message", "a", "c", 0, 1, "{}")])


@pytest.mark.skipif(os.name != "posix", reason="POSIX limits")
def test_a_disk_that_fills_up_on_the_way_changes_nothing(home: Path, tmp_path: Path) -> None:
    fill(home)
    done = subprocess.run(
        [sys.executable, "-c", _MOVE, str(tmp_path / "new"), "200000"], capture_output=True, text=True, check=True
    )
    assert "failed" in done.stdout
    assert f"Nothing was changed: everything is still in {home}" in done.stdout
    assert not (tmp_path / "new").exists()
    assert (home / "models" / "tiny" / "manifest.json").is_file()
    assert paths.data_dir() == home


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_killed_at_any_moment_nothing_is_lost(home: Path, tmp_path: Path) -> None:
    fill(home)
    for index in range(6):
        with (home / "models" / "tiny" / f"more{index}.bin").open("wb") as file:
            file.write(os.urandom(4 << 20))
    names = sorted(path.name for path in (home / "models" / "tiny").iterdir())
    for turn in range(6):
        target = tmp_path / f"new{turn % 2}" if paths.data_dir() != tmp_path / f"new{turn % 2}" else home
        mover = subprocess.Popen([sys.executable, "-c", _MOVE, str(target)], stdout=subprocess.PIPE, text=True)
        with mover:
            assert mover.stdout
            mover.stdout.readline()
            if turn < 5:  # wherever it is by now; each turn comes a little further
                for _ in range(turn * 200_000):
                    pass
                mover.send_signal(signal.SIGKILL)
            mover.communicate()
        folder = folders.settle()
        assert sorted(path.name for path in (folder / "models" / "tiny").iterdir()) == names
        with closing(Records(folder / "records")) as records:
            assert records.counts() == {"message": 1}


def test_killed_right_after_the_switch_the_next_start_finishes_it(home: Path, tmp_path: Path) -> None:
    fill(home)
    target = tmp_path / "new"
    fill(target)
    (target / "records").rename(tmp_path / "aside")
    with closing(Records(home / "records")) as records:
        records.hand_over(target / "records")  # the process ends here
    assert paths.data_dir() == home
    assert folders.settle() == target
    assert paths.data_dir() == target
    assert not (home / "models").exists()


def test_a_folder_that_is_not_there_is_said_and_not_made_anew(home: Path, start: Callable[..., Any], tmp_path: Path) -> None:
    home.mkdir()
    (home / "moved.json").write_text(json.dumps({"data_dir": str(tmp_path / "unplugged"), "leftover": None}))
    with pytest.raises(DataError, match="plug it in"):
        folders.settle()
    process = start("serve", "--no-browser", "--port", "0", SLM_PLAYGROUND_DATA=str(home))
    code, _, errors = process.wait()
    assert code == 1
    assert "unplugged" in errors
    assert not (tmp_path / "unplugged").exists()


def test_reset_deletes_what_it_was_asked_to(page: Client, home: Path) -> None:
    page.post("/api/data/push", {"records": [record("a", {"text": "secret"})]})
    (home / "settings").mkdir()
    (home / "settings" / "window.json").write_text("{}")
    (home / "logs").mkdir()
    (home / "logs" / "server-1.log").write_text("{}")
    (home / "logs" / "server-1.log.1").write_text("{}")
    for wrong in ([], ["everything"], "records", ["models", "../.."], [["records"]]):
        assert page.post("/api/data/reset", {"parts": wrong}).status_code == 400
    assert page.ask("POST", "/api/data/reset", {"parts": ["records"]}).status_code == 403
    page.post("/api/data/reset", {"parts": ["records"]})
    assert page.ask("GET", "/api/data").get_json()["records"]["counts"] == {}
    assert page.ask("GET", "/models/tiny/manifest.json").status_code == 200
    page.post("/api/data/reset", {"parts": ["models", "settings", "logs"]})
    assert page.ask("GET", "/models/tiny/manifest.json").status_code == 404
    assert list((home / "settings").iterdir()) == []
    assert [(path.name, path.stat().st_size) for path in (home / "logs").iterdir()] == [("server-1.log", 0)]


def test_switched_off_and_on_again(page: Client) -> None:
    page.post("/api/data/push", {"records": [record("a")]})
    assert page.post("/api/data/switch", {"enabled": False}).get_json()["enabled"] is False
    assert page.post("/api/data/push", {"records": [record("b")]}).status_code == 409
    assert page.ask("GET", "/api/data/change").get_json()["enabled"] is False
    page.post("/api/data/switch", {"enabled": False, "forget": True})
    page.post("/api/data/switch", {"enabled": True})
    assert page.post("/api/data/push", {"records": [record("b")]}).status_code == 200


def test_a_place_that_cannot_be_written_leaves_the_rest_of_the_server_alone(home: Path, static: Path) -> None:
    home.mkdir()
    (home / "models").mkdir()
    (home / "records").write_text("a file where a folder should be")
    with closing(DataPlace(home)) as place:
        page = Client(create_app(Config(PORT, TOKEN, home / "models", static, place)))
        assert page.ask("GET", "/api/models").status_code == 200
        answer = page.ask("GET", "/api/data/change")
        assert answer.status_code == 507
        assert "chats stay in the browser" in answer.get_json()["error"]["message"]
        problem = page.ask("GET", "/api/data").get_json()["records"]["problem"]
        assert (problem["kind"], "cannot be kept" in problem["message"]) == ("copy-not-written", True)
        (home / "records").unlink()
        assert page.ask("GET", "/api/data/change").status_code == 200, "it is tried again"


def test_polls_are_not_in_the_log(start: Callable[..., Any]) -> None:
    process = start("serve", "--no-browser", "--port", "0")
    for path in ("/api/data/change", "/api/health"):
        with closing(http.client.HTTPConnection("127.0.0.1", process.port, timeout=PATIENCE_SECONDS)) as connection:
            connection.request("GET", path)
            assert connection.getresponse().status == 200
    paths_logged = [event.get("path") for event in process.events() if event["event"] == "request"]
    assert paths_logged == ["/api/health"]
