"""Sites whose weights stay on a hub: redirects to signed addresses, broken connections, damaged parts, no network later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chatting import Chat
from hub import COMMIT, HUB, REPO, STORAGE, Hub, running
from playwright.sync_api import Browser, Page, Playwright, expect
from serving import CHROMIUM, GONE, PATIENCE_MS, QUIET, NewPage, Watch
from sites import Host, hosted, is_stored, make_site

from slm_export.manifest import load_manifest, to_json
from slm_export.site.split import copy_bundle

CPU = re.compile("^CPU · int8")
WEIGHTS = "model.onnx.data"
HALF_OF_THE_SECOND = re.compile(r"^(4[5-9]|5\d)\d kB of [67]\d\d kB")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Path:
    """The tiny model for the CPU, its weights in parts of 200 kB."""
    folder = tmp_path_factory.mktemp("repository")
    manifest = load_manifest(tiny_bundle)
    parted = copy_bundle(tiny_bundle, manifest, folder, 200_000, lambda _: None)
    (folder / "manifest.json").write_text(to_json(parted), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def started(bundle: Path) -> Iterator[Hub]:
    with running(Hub(bundle)) as hub:
        yield hub


@pytest.fixture
def hub(started: Hub) -> Iterator[Hub]:
    started.breaks.clear()
    started.tells_ranges, started.is_gone = True, False
    for kept in (started.asked, started.stored, started.refused):
        kept.clear()
    yield started
    started.breaks.set()
    assert started.refused == [], "no preflight, no old signature, no file that is not there"


@pytest.fixture(scope="module")
def browser_of_hub(playwright: Playwright, started: Hub) -> Iterator[Browser]:
    flags = [flag for flag in QUIET if not flag.startswith("--host-resolver-rules")]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*flags, *started.flags()], timeout=PATIENCE_MS)
    yield browser
    browser.close()


@pytest.fixture
def page(browser_of_hub: Browser, new_page: NewPage, watch: Watch) -> Page:
    watch.expected += [f"request to another origin: https://{name}/" for name in (HUB, STORAGE)]
    return new_page(browser_of_hub)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Path:
    root = tmp_path_factory.mktemp("sites")
    make_site(root / "s", bundle, title="Of a hub", pages="chat,models", weights="hub", hub=f"{REPO}@{COMMIT}")
    return root


def answers(page: Page) -> str:
    Chat(page).ask("Hello")
    return Chat(page).wait_for_end()


def of_weights(listed: list[str]) -> list[str]:
    return [name for name in listed if name.startswith(WEIGHTS)]


def parts(*numbers: int) -> list[str]:
    return [f"{WEIGHTS}.{number:03d}" for number in numbers]


def test_weights_of_a_hub_are_there_without_network_too(page: Page, written: Path, hub: Hub, watch: Watch) -> None:
    with hosted(Host(written)) as host:
        Chat(page).open(f"{host.url}/s/", CPU)
        assert answers(page)
        assert of_weights(hub.asked) == of_weights(hub.stored) == parts(1, 2, 3)
        assert not [path for path in host.asked if "onnx" in path or "tokenizer" in path]
        is_stored(page)
    watch.expected.append(GONE)
    hub.is_gone = True
    page.reload()
    Chat(page).is_ready(CPU)
    assert answers(page)
    assert of_weights(hub.asked) == parts(1, 2, 3)


@pytest.mark.parametrize("tells_ranges", [True, False], ids=["Content-Range shown", "Content-Range hidden"])
def test_a_connection_that_breaks_goes_on_through_the_hub(
    page: Page, written: Path, hub: Hub, watch: Watch, tells_ranges: bool
) -> None:
    watch.expected.append(GONE)
    hub.tells_ranges = tells_ranges
    hub.cuts.append(".002")
    with hosted(Host(written)) as host:
        page.goto(f"{host.url}/s/")
        expect(page.get_by_text(HALF_OF_THE_SECOND)).to_be_visible()
        hub.breaks.set()
        Chat(page).is_ready(CPU)
        broken, rest = parts(2)[0], re.compile(rf"{re.escape(parts(2)[0])} bytes=\d+-")
        first, again, *others = [name for name in of_weights(hub.stored) if name.startswith(broken)]
        assert (first, others) == (broken, [])
        assert rest.fullmatch(again), "only what is missing is asked for"
        assert of_weights(hub.stored) == of_weights(hub.asked), "each time with a new signature"
        assert answers(page)


def test_a_damaged_part_is_fetched_again_alone(page: Page, written: Path, hub: Hub) -> None:
    hub.spoils.append(".002")
    with hosted(Host(written)) as host:
        Chat(page).open(f"{host.url}/s/", CPU)
        assert of_weights(hub.stored) == parts(1, 2, 2, 3)


def test_a_cancelled_download_goes_on_in_its_part(page: Page, written: Path, hub: Hub) -> None:
    hub.stalls.append(".002")
    with hosted(Host(written)) as host:
        page.goto(f"{host.url}/s/")
        status = page.get_by_role("region", name="Model status")
        expect(status.get_by_text(HALF_OF_THE_SECOND)).to_be_visible()
        status.get_by_role("button", name="Cancel").click()
        status.get_by_role("button", name=re.compile("^Load")).click()
        Chat(page).is_ready(CPU)
        assert [name for name in of_weights(hub.stored) if name in parts(1, 2)] == parts(1, 2), "nothing comes twice"
        assert re.search(r"\.002 bytes=\d+-", of_weights(hub.stored)[2])
        assert of_weights(hub.stored)[3:] == parts(3)


def test_a_hub_that_is_gone_is_said_and_asked_again(page: Page, written: Path, hub: Hub, watch: Watch) -> None:
    watch.expected.append(GONE)
    hub.is_gone = True
    with hosted(Host(written)) as host:
        page.goto(f"{host.url}/s/")
        expect(page.get_by_text(re.compile("manifest.json could not be downloaded")).first).to_be_visible()
        hub.is_gone = False
        page.get_by_role("button", name="Look again").first.click()
        Chat(page).is_ready(CPU)
