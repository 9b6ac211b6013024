"""`slm-export site --check`: what is wrong with a site, on disk or on the web. Nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from slm_export.manifest import is_safe_path
from slm_export.site import values
from slm_export.site.check_models import check_model
from slm_export.site.check_pages import check_page, check_script, check_style
from slm_export.site.content import FORMAT, SITE_JSON
from slm_export.site.errors import SiteError
from slm_export.site.finding import Finding, error, warning
from slm_export.site.settings import CONTROL_GROUPS, CONTROLS, ISOLATIONS, PAGES, TASKS
from slm_export.site.site_source import FolderSource, SiteSource, WebSource, open_source
from slm_export.site.write import SUMS, parse_sums

_GITHUB_FILE_BYTES, _GITHUB_SITE_BYTES, _CLOUDFLARE_FILE_BYTES = 100_000_000, 1_000_000_000, 25 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Described:
    """What site.json says, as far as the checks need it."""

    pages: tuple[str, ...]
    models: tuple[tuple[str, str], ...]
    """Id and address of the manifest."""
    isolation: str


def check_site(place: str) -> list[Finding]:
    """Everything that is wrong, errors first.

    Raises: SiteError where `place` is no folder and no address, or cannot be reached at all.
    """
    source = open_source(place)
    if source.read("index.html") is None:
        return [error("index.html", f"is not there: {source.name} is no site")]
    found = list(_check(source))
    return sorted(found, key=lambda finding: finding.kind != "error")


def _check(source: FolderSource | WebSource) -> Iterator[Finding]:
    sums_text = source.read(SUMS)
    try:
        sums = parse_sums((sums_text or b"").decode(), SUMS)
    except (UnicodeDecodeError, SiteError) as problem:
        yield error(SUMS, str(problem))
        sums = {}
    if sums_text is None:
        yield error(SUMS, "is not there: nobody can tell whether the files are whole. Write the site again")
    described = yield from _site_json(source)
    hubs = [address for _, address in described.models if address.startswith("https://")]
    yield from _page_files(source, sums, hubs)
    told: set[str] = set()
    for name, address in described.models:
        for finding in check_model(source, name, address, described.pages):
            told.add(finding.place)
            yield finding
    yield from _files(source, sums, told)
    if isinstance(source, WebSource):
        yield from _host(source, described)


def _site_json(source: SiteSource) -> Generator[Finding, None, _Described]:
    """Yields what is wrong, returns a _Described."""
    nothing = _Described((), (), "none")
    text = source.read(SITE_JSON)
    if text is None:
        yield error(SITE_JSON, "is not there: the page cannot know what it shows")
        return nothing
    try:
        data = json.loads(text)
        return _described(data)
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as problem:
        yield error(SITE_JSON, f"cannot be used: {problem}")
        return nothing


def _described(data: Any) -> _Described:
    """Raises: ValueError (or what Python says) for what the page would refuse."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f"expected format {FORMAT}")
    values.text(data.get("title"), 100)
    pages = tuple(data["pages"])
    models = tuple((values.text(model["id"]), values.link_target(model["manifest"])) for model in data["models"])
    isolation = data.get("isolation") or "none"
    controls = data.get("controls") or "all"
    author, accent, logo = data.get("author"), data.get("accent"), data.get("logo")
    for rule, holds in {
        f"pages: expected some of {', '.join(PAGES)}": pages and set(pages) <= set(PAGES),
        f"tasks: expected {' or '.join(TASKS)}": set(data.get("tasks") or ()) <= set(TASKS),
        "models: expected at least one": models,
        "models: expected manifests called manifest.json": all(address.endswith("/manifest.json") for _, address in models),
        f"isolation: expected one of {', '.join(ISOLATIONS)}": isolation in ISOLATIONS,
        f"controls: expected {' or '.join(CONTROLS)}, or a list": controls in CONTROLS or set(controls) <= set(CONTROL_GROUPS),
        "logo: expected a path in the site": logo is None or is_safe_path(logo),
        "default_model: is none of the models": data.get("default_model", models[0][0]) in [name for name, _ in models],
    }.items():
        if not holds:
            raise ValueError(rule)
    if accent is not None:
        values.accent(accent)
    if author is not None and author.get("url") is not None:
        values.https_url(author["url"])
    for link in data.get("links") or ():
        values.link_target(link["href"])
    return _Described(pages, models, isolation)


def _page_files(source: SiteSource, sums: dict[str, str], hubs: list[str]) -> Iterator[Finding]:
    """Addresses in pages, styles and scripts: of other origins, or from the host's root."""
    names = sorted({"index.html", "embed.html", *(name for name in sums if name.endswith((".html", ".css", ".js", ".mjs")))})
    for name in names:
        content = source.read(name)
        if content is None:
            continue  # _files says so
        text = content.decode("utf-8", "replace")
        if name.endswith(".html"):
            yield from check_page(name, text, hubs)
        elif name.endswith(".css"):
            yield from check_style(name, text)
        else:
            yield from check_script(name, text)


def _files(source: FolderSource | WebSource, sums: dict[str, str], told: set[str]) -> Iterator[Finding]:
    """`told`: of what is missing in a model somebody has said already what it was for."""
    total_bytes, largest = 0, (0, "")
    for path, digest in sums.items():
        if not is_safe_path(path):
            yield error(SUMS, f"{path!r} leads out of the site")
            continue
        size_bytes = source.size_bytes(path)
        if size_bytes is None:
            if path not in told:
                yield error(path, "is missing or cannot be read")
            continue
        total_bytes += max(size_bytes, 0)
        if isinstance(source, FolderSource) and source.sha256(path) != digest:
            yield error(path, "was changed: its SHA-256 is not the one in SHA256SUMS")
        largest = max(largest, (size_bytes, path))
        if size_bytes > _GITHUB_FILE_BYTES:
            limit = f"{size_bytes / 1e6:.1f} MB: GitHub takes files up to 100 MB"
            yield error(path, f"{limit}. Write the site with --max-file-mb 95")
    if largest[0] > _CLOUDFLARE_FILE_BYTES:
        yield warning(largest[1], f"{largest[0] / 1e6:.1f} MB: Cloudflare Pages takes files up to 25 MiB, most hosts more")
    if total_bytes > _GITHUB_SITE_BYTES:
        yield warning(".", f"{total_bytes / 1e9:.2f} GB; GitHub Pages takes 1 GB. Leave out variants (--variants)")
    if isinstance(source, FolderSource):
        for path in source.paths():
            if path not in sums and path not in (SUMS, "CNAME"):
                yield warning(path, "is not slm-export's: it is published with the site")


def _host(source: WebSource, described: _Described) -> Iterator[Finding]:
    """What only a server can do wrong."""
    sent = source.headers("index.html")
    is_isolated = "cross-origin-opener-policy" in sent and "cross-origin-embedder-policy" in sent
    if described.isolation == "headers" and not is_isolated:
        yield warning("index.html", "this host does not send the isolation headers: one thread only. Use --isolation worker")
    if source.headers("slm.js").get("content-type", "").split(";")[0] not in ("text/javascript", "application/javascript"):
        yield error("slm.js", "is not sent as JavaScript, so that browsers refuse it")
    if "accept-ranges" not in source.headers("slm.js"):
        yield warning("slm.js", "this host sends no ranges: a broken download starts its file over")
