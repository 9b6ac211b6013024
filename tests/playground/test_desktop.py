"""The parts of the desktop app that need no window: which shell, which port, what is kept, what a link may do."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slm_playground.desktop import command, keep, links, seed
from slm_playground.desktop.environment import system_environment
from slm_playground.desktop.errors import DesktopError
from slm_playground.desktop.instance import Instance, NotReached, find_first
from slm_playground.desktop.ports import open_remembered
from slm_playground.desktop.shells import profile as profiles
from slm_playground.desktop.shells.choose import Machine, NoShell, shells_to_try
from slm_playground.desktop.shells.chrome import find_chrome
from slm_playground.library.errors import LibraryError
from slm_playground.library.folders import add_folder
from slm_playground.listen import bound_port

LINUX = Machine("linux", True, False, has_chrome=True, has_qt=True, has_gtk=True, has_webview=False)
BARE = replace(LINUX, has_chrome=False, has_qt=False, has_gtk=False)
WINDOWS = Machine("win32", True, False, has_chrome=True, has_qt=False, has_gtk=False, has_webview=True)


@pytest.mark.parametrize(
    ("wanted", "machine", "names"),
    [
        ("auto", LINUX, ("chrome-app", "qt", "gtk", "browser")),
        ("auto", replace(LINUX, has_chrome=False), ("qt", "gtk", "browser")),
        ("auto", replace(LINUX, has_chrome=False, has_qt=False), ("gtk", "browser")),
        ("auto", BARE, ("browser",)),
        ("auto", WINDOWS, ("webview", "chrome-app", "browser")),
        ("auto", replace(WINDOWS, platform="darwin"), ("webview", "chrome-app", "browser")),
        ("auto", replace(WINDOWS, has_webview=False), ("chrome-app", "browser")),
        ("native", LINUX, ("qt", "gtk", "browser")),
        ("native", WINDOWS, ("webview", "browser")),
        ("chrome-app", LINUX, ("chrome-app", "browser")),
        ("browser", LINUX, ("browser",)),
        ("none", replace(LINUX, has_display=False), ("none",)),
        ("auto", replace(LINUX, has_display=False, has_browser_command=True), ("browser",)),
    ],
)
def test_shells_in_the_order_in_which_they_are_tried(wanted: str, machine: Machine, names: tuple[str, ...]) -> None:
    assert shells_to_try(wanted, machine) == names


@pytest.mark.parametrize(
    ("wanted", "machine", "says"),
    [
        ("auto", replace(LINUX, has_display=False), "no display here.*desktop --shell none"),
        ("native", replace(LINUX, has_display=False, has_browser_command=True), "no display here"),
        ("chrome-app", BARE, "No Chrome.*SLM_PLAYGROUND_CHROME"),
        ("native", BARE, r"No web view is installed.*slm-playground\[desktop\]"),
    ],
)
def test_what_is_not_possible_is_said_with_a_way_out(wanted: str, machine: Machine, says: str) -> None:
    with pytest.raises(NoShell, match=says):
        shells_to_try(wanted, machine)


def test_the_browser_that_the_user_names_is_taken_and_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "my-browser"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("SLM_PLAYGROUND_CHROME", str(program))
    assert find_chrome() == str(program)
    monkeypatch.setenv("SLM_PLAYGROUND_CHROME", "")
    assert find_chrome() is None


def test_the_first_port_comes_back_as_long_as_it_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with open_remembered(taken) as fallback:
            assert bound_port(fallback) != taken
    with open_remembered(taken) as again:
        assert bound_port(again) == taken


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    kept = keep.Kept(8765, keep.Geometry(900, 700, -20, 40), ("a", "b"), keep.Look("dark", "light"))
    keep.save(tmp_path, kept)
    assert keep.load(tmp_path) == kept
    assert [path.name for path in tmp_path.iterdir()] == ["window.json"], "nothing is left beside it"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"port": 0, "geometry": {"width": 5, "height": 9}}',
        '{"port": "x", "geometry": [], "offered": {}}',
        '{"look": {"theme": "dark"}}',
    ],
)
def test_a_damaged_file_is_as_if_there_were_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "window.json").write_text(content)
    assert keep.load(tmp_path) == keep.Kept()


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    keep.save(tmp_path, keep.Kept(1234))
    (tmp_path / "window.json.new").symlink_to(full)
    with pytest.raises(OSError, match="No space left"):
        keep.save(tmp_path, keep.Kept(4321))
    assert keep.load(tmp_path).port == 1234


def test_without_a_writable_data_folder_a_private_one_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")  # a folder below a file: nobody can make that, not even root
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder, is_kept = keep.own_folder(tmp_path / "file" / "data")
    assert not is_kept
    assert folder.parent == tmp_path
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    with pytest.raises(PermissionError, match="open to others"):
        keep.own_folder(tmp_path / "file" / "data")


def test_only_one_can_have_the_lock_and_its_address_is_private(tmp_path: Path) -> None:
    first = Instance.take(tmp_path)
    assert first is not None
    assert Instance.take(tmp_path) is None
    first.announce("http://127.0.0.1:1/", "secret")
    assert stat.S_IMODE((tmp_path / "instance.json").stat().st_mode) == 0o600
    found = find_first(tmp_path)
    assert (found.url, found.token) == ("http://127.0.0.1:1/", "secret")
    with pytest.raises(NotReached, match="does not answer"):
        found.ask("/api/desktop/show", {})
    first.release()
    again = Instance.take(tmp_path)
    assert again is not None
    again.release()


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("slm://", "#/chat"),
        ("slm:models", "#/models"),
        ("SLM://write/42", "#/write/42"),
        ("slm://models/", "#/models"),
        ("/some/folder", None),
    ],
)
def test_addresses_turn_to_a_page(text: str, page: str | None) -> None:
    assert links.page_of(text) == page


@pytest.mark.parametrize(
    "text", ["slm://models?x=1", "slm://../etc", "slm://chat/<script>", "slm://a b", "slm://Chat", "slm:///..//"]
)
def test_addresses_that_are_more_than_a_page_are_refused(text: str) -> None:
    with pytest.raises(DesktopError, match="no address of the app"):
        links.page_of(text)


def test_folders_come_as_paths_and_as_addresses(tmp_path: Path) -> None:
    folder = tmp_path / "my model"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    for text in (str(folder), folder.as_uri(), str(folder / "manifest.json")):
        assert links.folder_of(text) == folder
    with pytest.raises(DesktopError, match="is not there"):
        links.folder_of(str(tmp_path / "none"))


def test_a_bundle_of_this_machine_joins_the_models(make_bundle: Callable[..., Path], models: Path, tmp_path: Path) -> None:
    source = make_bundle("tiny").rename(tmp_path / "elsewhere")
    (source / ".hidden").write_text("not a part")
    assert add_folder(models, source) == "tiny"
    assert add_folder(models, source) == "tiny", "a second time changes nothing"
    told = json.loads((models / "tiny" / "manifest.json").read_text(encoding="utf-8"))
    entry = told["variants"][0]["files"][0]
    assert hashlib.sha256((models / "tiny" / entry["path"]).read_bytes()).hexdigest() == entry["sha256"]
    assert not (models / "tiny" / ".hidden").exists()
    assert source.is_dir(), "the user's own files stay"


def test_a_damaged_bundle_does_not_join(make_bundle: Callable[..., Path], models: Path, tmp_path: Path) -> None:
    source = make_bundle("tiny").rename(tmp_path / "elsewhere")
    next(source.rglob("*.data")).write_bytes(b"other")
    with pytest.raises(LibraryError, match="missing or not as manifest.json lists it"):
        add_folder(models, source)
    assert not (models / "tiny").exists()


def test_a_folder_of_anything_else_is_refused_before_a_byte_is_copied(models: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"1")
    with pytest.raises(LibraryError, match="is not the folder of a model"):
        add_folder(models, tmp_path / "photos")
    assert list(models.iterdir()) == []


def test_models_of_the_app_are_offered_once_and_follow_it(make_bundle: Callable[..., Path], models: Path, tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    make_bundle("tiny").rename(app / "tiny")
    assert seed.offer(app, models, ()) == ("tiny",)
    assert (models / "tiny" / "manifest.json").is_file()
    app = app.rename(tmp_path / "moved")
    assert not (models / "tiny" / "manifest.json").is_file()
    assert seed.offer(app, models, ("tiny",)) == ("tiny",)
    assert (models / "tiny" / "manifest.json").is_file(), "the link follows an app that was moved"
    (models / "tiny").unlink()
    seed.offer(app, models, ("tiny",))
    assert not (models / "tiny").exists(), "what the user deleted stays deleted"


def test_other_programs_get_the_environment_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "inside the app")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "of the user")
    assert system_environment() == dict(os.environ), "only a frozen app has changed it"
    monkeypatch.setattr("sys.frozen", True, raising=False)
    assert system_environment()["LD_LIBRARY_PATH"] == "of the user"
    monkeypatch.delenv("LD_LIBRARY_PATH_ORIG")
    assert "LD_LIBRARY_PATH" not in system_environment()


IGNORES = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); sys.stdin.read()"


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a process that has the profile, as a browser has whose app was killed."""
    started = []

    def start(profile: Path, program: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, f"--user-data-dir={profile}"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def hold(profile: Path, process: int, host: str | None = None) -> None:
    profile.mkdir()
    (profile / "SingletonLock").symlink_to(f"{host or socket.gethostname()}-{process}")


@pytest.mark.skipif(sys.platform == "win32", reason="Chrome has another lock there")
def test_chromes_window_comes_back_as_its_profile_says(tmp_path: Path) -> None:
    def flags(said: str) -> list[str]:
        (tmp_path / "Default").mkdir(exist_ok=True)
        (tmp_path / "Default" / "Preferences").write_text(said, encoding="utf-8")
        return profiles.place_flags(tmp_path, "http://127.0.0.1:8765/#/chat", keep.Geometry(900, 700))

    place = {"left": 30, "top": 20, "right": 1330, "bottom": 920, "maximized": False}

    def preferences(place: object) -> str:
        return json.dumps({"browser": {"app_window_placement": {"127": {"0": {"0": {"1_/": place}}}}}})

    assert flags(preferences(place)) == ["--window-size=1300,900", "--window-position=30,20"]
    assert flags(preferences({**place, "maximized": True}))[-1] == "--start-maximized"
    for nothing in ("{}", "no JSON", preferences({**place, "left": None}), preferences([]), preferences({"left": 1})):
        assert flags(nothing) == ["--window-size=900,700"]
    assert profiles.place_flags(tmp_path / "new", "http://127.0.0.1/", keep.Geometry(900, 700)) == ["--window-size=900,700"]


def test_a_profile_is_free_when_the_browser_that_has_it_is_gone(
    tmp_path: Path, orphan: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "_LEAVING_SECONDS", 0.2)
    profile = tmp_path / "chrome"
    profiles.free(profile)  # no profile yet
    stubborn = orphan(profile, IGNORES)
    hold(profile, stubborn.pid)
    profiles.free(profile)
    assert stubborn.wait(timeout=60) == -signal.SIGKILL
    profiles.free(profile)  # what is left of it is in nobody's way


@pytest.mark.skipif(sys.platform == "win32", reason="Chrome has another lock there")
@pytest.mark.parametrize(("host", "own"), [("another-machine", True), (None, False)])
def test_processes_that_have_nothing_to_do_with_the_profile_are_left_alone(
    tmp_path: Path, orphan: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch, host: str | None, own: bool
) -> None:
    monkeypatch.setattr(profiles, "_LEAVING_SECONDS", 0.2)
    profile = tmp_path / "chrome"
    process = orphan(profile if own else tmp_path / "elsewhere", IGNORES)
    hold(profile, process.pid, host)
    profiles.free(profile)
    assert process.poll() is None


def test_the_patience_with_a_window_is_a_number_of_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(command.PATIENCE_VARIABLE, raising=False)
    assert command._patience(15.0) == 15.0
    monkeypatch.setenv(command.PATIENCE_VARIABLE, "40")
    assert command._patience(15.0) == 40.0
    monkeypatch.setenv(command.PATIENCE_VARIABLE, "long")
    with pytest.raises(command.CommandError, match="must be a number of seconds, not 'long'"):
        command._patience(15.0)
