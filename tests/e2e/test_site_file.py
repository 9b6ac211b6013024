"""A site as one HTML file, opened from disk: no server, no network, no files beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chatting import Chat
from playwright.sync_api import Browser, Page, expect
from serving import NewPage, Watch
from sites import WEB

QUESTION = "Who is Alice?"


@pytest.fixture(scope="module")
def single_file(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Path:
    """In a folder with nothing else, whose name needs quoting in an address."""
    folder = tmp_path_factory.mktemp("on a stick, 100 %")
    command: list[str | Path] = [
        Path(sys.executable).with_name("slm-export"),
        "site",
        tiny_bundle,
        "--single-file",
        "--out",
        folder / "demo.html",
    ]
    said: list[str | Path] = ["--title", "In <one> file", "--example", QUESTION, "--web", WEB]
    made = subprocess.run([*command, *said], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder / "demo.html"


@pytest.fixture(autouse=True)
def from_disk(watch: Watch) -> None:
    """A page from disk has no origin, so that even its own address counts as another one's."""
    watch.expected.append("request to another origin: file:")


@pytest.fixture
def asked(page: Page) -> list[str]:
    """What the page asks anybody for, but itself."""
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    return addresses


def outside(asked: list[str]) -> list[str]:
    return [address for address in asked if not address.startswith(("blob:", "data:"))]


def test_it_chats_and_writes_from_disk(page: Page, single_file: Path, asked: list[str]) -> None:
    page.goto(single_file.as_uri())
    expect(page).to_have_title("In <one> file")
    page.get_by_role("button", name=QUESTION).click()
    assert len(Chat(page).wait_for_end()) > 20
    page.get_by_role("link", name="Write").click()
    expect(page.get_by_role("textbox", name="Document")).to_be_visible()
    assert outside(asked) == [single_file.as_uri()]


def test_what_was_written_is_there_again(page: Page, single_file: Path) -> None:
    page.goto(single_file.as_uri())
    page.get_by_role("button", name=QUESTION).click()
    chat = Chat(page)
    chat.wait_for_end()
    chat.wait_until_kept()
    page.reload()
    expect(page.get_by_role("navigation", name="Chats").get_by_text(QUESTION)).to_be_visible()


def test_the_policy_lets_nothing_out(page: Page, single_file: Path, watch: Watch) -> None:
    watch.expected += ["Content Security Policy", "https://example.org/"]
    page.goto(single_file.as_uri())
    for script in ("fetch('https://example.org/')", "import('https://example.org/x.js')"):
        assert page.evaluate(f"{script}.then(() => 'sent', () => 'refused')") == "refused"


def test_a_copy_elsewhere_runs_too(chromium: Browser, new_page: NewPage, single_file: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(single_file, tmp_path / "renamed.html"))
    page = new_page(chromium)
    page.goto(copy.as_uri())
    expect(page.get_by_role("button", name=QUESTION)).to_be_visible()
