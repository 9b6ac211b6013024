"""Pages, styles and scripts of a site: nothing may come from another origin, nothing may be named from the host's root."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

from slm_export.site.finding import Finding, error
from slm_export.site.headers import content_security_policy

_LOADS = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "audio": ("src",),
    "video": ("src", "poster"),
    "object": ("data",),
    "embed": ("src",),
    "form": ("action",),
    "base": ("href",),
}
_STYLE_URL = re.compile(r"url\(\s*['\"]?\s*([^'\")]+)|@import\s+['\"]([^'\"]+)")
_SCRIPT_IMPORT = re.compile(
    r"""(?:\bfrom|\bimport|\bimportScripts\s*\(|\bimport\s*\()\s*["'`]((?:https?:)?//[^"'`\s]+|/[^/"'`\s][^"'`\s]*)["'`]"""
)
# Where it may not be missing: these show what a model or somebody else wrote.
_NEEDS_POLICY = ("index.html", "embed.html")


class _Page(HTMLParser):
    """Collects what a page loads, and its policies."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[tuple[str, str]] = []
        self.policies: list[str] = []
        self.links: list[str] = []
        self.names: dict[str, str] = {}
        self.inline = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.loads += [(tag, given[name]) for name in _LOADS.get(tag, ()) if given.get(name)]
        self.links += [given["href"]] if tag == "a" and "href" in given else []
        self.inline += tag == "script" and "src" not in given
        self.inline += sum(name.startswith("on") for name in given)
        if tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(given.get("content", ""))
        if tag == "meta" and "name" in given:
            self.names[given["name"]] = given.get("content", "")


def check_page(name: str, text: str, hubs: Sequence[str]) -> Iterator[Finding]:
    """A page's addresses, policy and scripts."""
    page = _Page()
    page.feed(text)
    for tag, address in page.loads:
        yield from _address(name, address, f"<{tag}>")
    for address in page.links:
        if re.match(r"\s*(?:javascript|data|vbscript):", address, re.IGNORECASE):
            yield error(name, f"has a link that runs code: {address[:60]!r}")
        elif address.startswith("/"):
            yield error(name, f"has a link from the host's root, {address[:60]!r}: it breaks below a path")
    if page.inline:
        yield error(name, "has code in the page itself (<script> without src, on…=): the policy blocks it")
    if name == "index.html" and page.names.get("slm-site") is None:
        yield error(name, "has no <meta name=\"slm-site\">: it is the playground's page, not a site's")
    if name in _NEEDS_POLICY:
        yield from _policy(name, page.policies, hubs)


def _policy(name: str, policies: Sequence[str], hubs: Sequence[str]) -> Iterator[Finding]:
    if not policies:
        yield error(name, "has no Content-Security-Policy: the page could ask any server for anything")
    elif policies[0] != content_security_policy(hubs):
        yield error(name, "has another Content-Security-Policy than its models need: write the site again")


def check_style(name: str, text: str) -> Iterator[Finding]:
    """A style's addresses."""
    for match in _STYLE_URL.finditer(text):
        yield from _address(name, match[1] or match[2], "a style")


def check_script(name: str, text: str) -> Iterator[Finding]:
    """What a script imports; what it asks for while it runs is up to the policy."""
    for match in _SCRIPT_IMPORT.finditer(text):
        yield from _address(name, match[1], "an import")


def _address(name: str, address: str, what: str) -> Iterator[Finding]:
    shown = address.strip()
    if re.match(r"(?:[a-z][a-z0-9+.-]*:)?//", shown, re.IGNORECASE):
        yield error(name, f"asks another origin for {what}: {shown[:80]}")
    elif shown.startswith("/"):
        yield error(name, f"names {what} from the host's root, {shown[:80]!r}: it breaks below a path")
    elif ".." in shown.split("/") and "/" not in name:
        yield error(name, f"names {what} outside of the site: {shown[:80]!r}")
