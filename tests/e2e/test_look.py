"""Every page of the real server looked at by programs: axe-core, narrow and wide screens, both themes, both languages."""

from __future__ import annotations

import pytest
from axe import violations
from playwright.sync_api import Browser, Locator, Page, expect
from serving import NewPage, Server

# What a page that is read on a phone must not do: run out at the side.
OVERFLOW = """() => [...document.querySelectorAll('body *')]
  .filter(e => {
    const box = e.getBoundingClientRect()
    if (!box.width || box.right <= innerWidth + 1) return false
    for (let up = e.parentElement; up; up = up.parentElement)
      if (up.getBoundingClientRect().right <= innerWidth + 1 && getComputedStyle(up).overflowX !== 'visible') return false
    return true
  })
  .map(e => `${e.tagName}.${e.className} "${(e.textContent ?? '').slice(0, 40)}"`)
  .slice(0, 5)"""
SHORT = "Say hello."


def pages_of(page: Page) -> list[str]:
    """Addresses of all pages, as the bar links them."""
    links: list[str] = page.locator("nav.pages a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    return links or ["#/chat"]


def visit(page: Page, address: str) -> None:
    page.evaluate("address => { location.hash = address }", address)
    expect(page.locator("nav.pages a[aria-current=page]")).to_have_attribute("href", address)  # hears of it a little later
    expect(page.locator("main .page-status[role=status]")).to_have_count(0)
    expect(page.locator("main")).not_to_be_empty()


def opened(server: Server, browser: Browser, new_page: NewPage, settings: str = "{}") -> Page:
    """The page of a user with these settings, with the model loaded and one answer in the chat."""
    page = new_page(browser)
    key = "slm-playground.settings"
    page.add_init_script(f"localStorage.getItem('{key}') ?? localStorage.setItem('{key}', '{settings}')")
    page.goto(server.url)
    expect(page.locator(".badge.good")).to_be_visible()
    page.locator("#composer").fill(SHORT)
    page.locator("#composer").press("Enter")
    expect(page.locator("li[aria-busy=false] .figures")).to_be_visible()
    return page


@pytest.mark.parametrize(
    ("theme", "language", "width"), [("light", "en", 1280), ("dark", "de", 1280), ("light", "de", 360), ("dark", "en", 390)]
)
def test_every_page_is_accessible_and_fits(
    real_server: Server, chromium: Browser, new_page: NewPage, theme: str, language: str, width: int
) -> None:
    page = opened(real_server, chromium, new_page, f'{{"theme":"{theme}","language":"{language}","device":"cpu"}}')
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(reduced_motion="reduce")
    addresses = pages_of(page)
    assert len(addresses) == len(set(addresses))
    found: list[str] = []
    for address in addresses:
        visit(page, address)
        found += [f"{address}: {problem}" for problem in violations(page)]
        found += [f"{address} runs out at the side: {part}" for part in page.evaluate(OVERFLOW)]
        if page.evaluate("() => document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{address}: the page itself is wider than the screen")
        assert page.locator("h1").count() == 1
        assert page.locator("html").get_attribute("lang") == language
        assert page.title()
    assert found == []


@pytest.mark.parametrize(("theme", "language", "width"), [("light", "en", 1440), ("dark", "de", 390)])
def test_every_panel_is_accessible_and_gives_the_focus_back(
    real_server: Server, chromium: Browser, new_page: NewPage, theme: str, language: str, width: int
) -> None:
    """What opens over a page or beside it: by the keyboard, looked at while it is open, closed by Escape."""
    settings = f'{{"theme":"{theme}","language":"{language}","device":"cpu","controls":"advanced"}}'
    page = opened(real_server, chromium, new_page, settings)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(reduced_motion="reduce")
    found: list[str] = []

    def look(name: str) -> None:
        found.extend(f"{name}: {problem}" for problem in violations(page))
        found.extend(f"{name} runs out at the side: {part}" for part in page.evaluate(OVERFLOW))

    page.locator(".figures-box summary").last.press("Enter")
    page.locator("li[aria-busy=false]").press("m")
    page.locator(".token[data-from]").first.press("Enter")
    expect(page.locator(".alternatives")).to_be_visible()
    look("tokens")

    def walk(opener: Locator, name: str) -> None:
        """Opens a dialog, looks at it, and closes it: the focus is where it was."""
        panel = page.locator("dialog[open], .side-panel")
        expect(panel.get_by_role("heading").or_(panel.get_by_role("combobox")).first).to_be_visible()
        look(name)
        page.keyboard.press("Escape")
        expect(panel).to_have_count(0)
        expect(opener).to_be_focused()

    # The bar's two and the requests at the foot; of a comparison the settings of two columns as well, and the score sheet,
    # which is in a menu where there is no room for it.
    menus = page.locator(".compare-tools [aria-haspopup=menu]")
    for address, count in (("#/chat", 3), ("#/compare", 5 if width < 768 else 6)):
        visit(page, address)
        openers = page.locator("[aria-haspopup=dialog]:visible")
        expect(openers).to_have_count(count)
        for opener in openers.all():
            opener.press("Enter")
            walk(opener, f"{address} {opener.get_attribute('aria-label') or opener.inner_text()}")
    expect(menus).to_have_count(1 if width < 768 else 0)
    for menu in menus.all():
        menu.press("Enter")
        expect(page.get_by_role("menuitem").first).to_be_focused()
        look("the comparison's menu")
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        walk(menu, "score sheet")
    assert found == []


def test_what_a_first_visit_costs(real_server: Server, chromium: Browser, new_page: NewPage) -> None:
    """Bytes over the wire before the model: pages that are not shown cost nothing (Lighthouse's byte weight, with a limit)."""
    page = new_page(chromium)
    page.goto(real_server.url)
    expect(page.get_by_role("textbox").first).to_be_visible()
    entries: list[dict[str, float | str]] = page.evaluate(
        "() => performance.getEntriesByType('resource').map(({ name, encodedBodySize }) => ({ name, bytes: encodedBodySize }))"
    )
    of_page = {
        str(entry["name"]): float(entry["bytes"])
        for entry in entries
        if str(entry["name"]).split("?")[0].endswith((".js", ".css")) and "/models/" not in str(entry["name"])
    }
    assert of_page
    assert sum(of_page.values()) < 400_000, of_page
    assert not [name for name in of_page if "codemirror" in name.lower() or "/write" in name.lower()]
