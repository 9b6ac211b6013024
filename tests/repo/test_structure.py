"""The repository is what its README says, and holds nothing that belongs to one machine."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

MAX_LINES = 400
CODE = (".py", ".ts", ".tsx", ".mjs")
# Written in pieces, so that this file does not contain what it forbids.
HOSTS = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "download." + "pytorch.org",
    "deb." + "debian.org",
]
MACHINE_PATH = re.compile(
    r"(?<![\w.~-])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/\w+|opt/(?:wheels|py" + r"pi))(?:/|\b)(?![\w-]*\.(?:md|org))"
)


def readme_tree(root: Path) -> list[tuple[str, str]]:
    """The README's tree as (path, description): one entry a line, two spaces of indent a level."""
    text = (root / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^## Where things are$.*?^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert block, "README.md has no section 'Where things are' with a tree in a code block"
    entries: list[tuple[str, str]] = []
    parents: list[str] = []
    for line in block[1].splitlines():
        match = re.fullmatch(r"( *)(\S+)\s{2,}(\S.*)", line)
        assert match, f"README's tree: no description, or no two spaces before it: {line!r}"
        depth = len(match[1]) // 2
        parents = [*parents[:depth], match[2].rstrip("/")]
        path = "/".join(parents) + ("/" if match[2].endswith("/") else "")
        entries.append((path, match[3]))
    return entries


def test_every_entry_of_the_readme_tree_exists(root: Path, tracked: list[Path]) -> None:
    names = {path.as_posix() for path in tracked}
    folders = {f"{parent.as_posix()}/" for path in tracked for parent in path.parents}
    missing = [path for path, _ in readme_tree(root) if path not in (folders if path.endswith("/") else names)]
    assert not missing, f"in README's tree, but not in the repository: {missing}"


def test_readme_tree_lists_the_first_level_and_folders_of_the_second(root: Path, tracked: list[Path]) -> None:
    wanted = {path.parts[0] + ("/" if len(path.parts) > 1 else "") for path in tracked}
    wanted |= {f"{path.parts[0]}/{path.parts[1]}/" for path in tracked if len(path.parts) > 2}
    unlisted = sorted(wanted - {path for path, _ in readme_tree(root)})
    assert not unlisted, f"in the repository, but not in README's tree: {unlisted}"


def test_no_source_file_is_too_long(root: Path, tracked: list[Path]) -> None:
    lengths = {path: (root / path).read_text(encoding="utf-8").count("\n") for path in tracked if path.suffix in CODE}
    assert len(lengths) > 20
    long = {str(path): lines for path, lines in lengths.items() if lines > MAX_LINES}
    assert not long, f"more than {MAX_LINES} lines: split them: {long}"


def test_nothing_names_a_machine_or_a_package_registry(root: Path, tracked: list[Path]) -> None:
    found = []
    for path in tracked:
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        found += [f"{path}: {host}" for host in HOSTS if host in text]
        found += [f"{path}: {match[0]}" for match in MACHINE_PATH.finditer(text)]
    assert not found, found


@pytest.mark.parametrize("text", ["open /wo" + "rk/main now", '"/ro' + 'ot/.cache"', "see /ho" + "me/ada/models"])
def test_machine_paths_are_recognised(text: str) -> None:
    assert MACHINE_PATH.search(text)


@pytest.mark.parametrize("text", ["web/work/x", "https://example.org/root.html", "the network/", "./root/", "workdir"])
def test_other_text_is_no_machine_path(text: str) -> None:
    assert not MACHINE_PATH.search(text)


def test_versions_agree(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    package = json.loads((root / "package.json").read_text(encoding="utf-8"))["version"]
    lock = json.loads((root / "package-lock.json").read_text(encoding="utf-8"))
    assert {project, package, lock["version"], lock["packages"][""]["version"]} == {project}
    assert f"## [{project}]" in (root / "CHANGELOG.md").read_text(encoding="utf-8")


def test_python_pins_agree_with_the_lock(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = [*project["dependencies"], *(pin for extra in project["optional-dependencies"].values() for pin in extra)]
    locked = set((root / "requirements.lock").read_text(encoding="utf-8").splitlines())
    assert len(pins) > 10
    # Made on Linux, it does not have what only other systems install: that is pinned in pyproject.toml alone.
    wanted = [pin.partition(";")[0] for pin in pins if "sys_platform != 'linux'" not in pin]
    assert not [pin for pin in wanted if pin not in locked], "run .venv/bin/python build/lock.py"


def test_javascript_pins_are_exact_and_locked(root: Path) -> None:
    package = json.loads((root / "package.json").read_text(encoding="utf-8"))
    packages = json.loads((root / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    pins = {**package["dependencies"], **package["devDependencies"]}
    assert all(packages[f"node_modules/{name}"]["version"] == version for name, version in pins.items())
    # npm ci refuses a lock that leaves out a platform's package (seen when the registry lacked some of them).
    absent = [
        optional
        for entry in packages.values()
        for optional in entry.get("optionalDependencies", {})
        if not any(path.endswith(f"node_modules/{optional}") for path in packages)
    ]
    assert not absent, absent


def test_licence_is_apache(root: Path) -> None:
    text = (root / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize(
    "path", ["build/new.py", "build/deep/new.mjs", "export/slm_export/new.py", "web/src/new.ts", "tests/fixtures/new.py"]
)
def test_sources_are_not_ignored(root: Path, path: str) -> None:
    assert subprocess.run(["git", "check-ignore", "-q", path], cwd=root, check=False).returncode == 1


@pytest.mark.parametrize("path", [".data/models/x", ".venv/x", "node_modules/x", "web/dist/x", "tests/.fixtures/x", "dist/x.whl"])
def test_products_are_ignored(root: Path, path: str) -> None:
    assert subprocess.run(["git", "check-ignore", "-q", path], cwd=root, check=False).returncode == 0
