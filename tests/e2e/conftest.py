"""End to end: the real server in its own process, real Chromium, the real model (and the tiny one where bytes are spoilt).

A page that logs an error, throws, or asks another origin for anything fails its test, unless the test expects it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright
from ports import kept_port
from serving import (
    CHROMIUM,
    GONE,
    PATIENCE_MS,
    QUIET,
    SOFTWARE_WEBGPU,
    NewPage,
    Server,
    StartServer,
    Watch,
    copy_bundle,
)

from slm_playground import paths

ROOT = Path(__file__).resolve().parents[2]
MODEL_ID = "smollm2-135m-instruct"
GRAMMAR_ID = "smollm2-135m-grammar"


@pytest.fixture(scope="session")
def real_bundle() -> Path:
    bundle = paths.models_dir() / MODEL_ID
    assert (bundle / "manifest.json").is_file(), f"{bundle} is not there: run `make setup`"
    return bundle


@pytest.fixture(scope="session")
def grammar_bundle() -> Path:
    bundle = ROOT / ".data" / "test-models" / GRAMMAR_ID
    assert (bundle / "manifest.json").is_file(), f"{bundle} is not there: run `make setup`"
    return bundle


@pytest.fixture(scope="session")
def tiny_bundle() -> Path:
    bundle = ROOT / "tests" / ".fixtures" / "tiny-llama"
    assert (bundle / "manifest.json").is_file(), f"{bundle} is not there: run `make setup`"
    return bundle


# Of each test: a server keeps chats and settings for all who visit it.
@pytest.fixture
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start a server over copies of the given bundles, with nothing in its data folder; stopped when the test ends."""
    with ExitStack() as stack:

        def start(*bundles: Path) -> Server:
            folder = tmp_path_factory.mktemp("served")
            models = folder / "models"
            models.mkdir()
            for bundle in bundles:
                copy_bundle(bundle, models)
            server = Server(models, folder / "data", stack.enter_context(kept_port()))
            server.start()
            stack.callback(lambda: server.stop() if server.process.poll() is None else None)
            return server

        yield start


@pytest.fixture
def real_server(start_server: StartServer, real_bundle: Path) -> Server:
    return start_server(real_bundle)


# Of the module, not the session: Playwright's loop must have ended before tests of other folders start their own.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Without WebGPU: headless Chromium has no adapter, so the CPU variant is chosen as it is for such a user."""
    assert CHROMIUM, "no Chromium: set CHROMIUM to its program, or run `make test`"
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET, timeout=PATIENCE_MS)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def chromium_webgpu(playwright: Playwright) -> Iterator[Browser]:
    """With WebGPU computed in software: slow, for the tiny model."""
    assert CHROMIUM, "no Chromium: set CHROMIUM to its program, or run `make test`"
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *SOFTWARE_WEBGPU], timeout=PATIENCE_MS)
    yield browser
    browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """What a page says of hosts that stop behind its test, before it is closed itself, is no problem of the test's."""
    try:
        return (yield)
    finally:
        watched = getattr(item, "funcargs", {}).get("watch")
        if watched is not None:
            watched.expected.append(GONE)


@pytest.fixture
def watch() -> Iterator[Watch]:
    watched = Watch()
    yield watched
    assert watched.problems == []


@pytest.fixture
def new_page(watch: Watch, start_server: StartServer) -> Iterator[NewPage]:
    """A page in a profile of its own, watched; closed before the servers stop, which it would notice."""
    contexts: list[BrowserContext] = []

    def make(browser: Browser) -> Page:
        context = browser.new_context()
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)  # of every tab that the test opens in it
        watch.follow(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: NewPage, chromium: Browser) -> Page:
    return new_page(chromium)
