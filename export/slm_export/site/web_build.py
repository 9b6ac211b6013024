"""The built page (`web/dist`, or the `static` folder of an installed wheel) and the files of it that a site needs."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slm_export.site.errors import SiteError

CHUNKS = "chunks.json"  # Vite's manifest: source → file, imports, dynamic imports, styles
# Made anew for each site, or of no use in one: what the server sends compressed, pictures of the playground, the build's notes,
# types for who writes against slm.js, what talks to the playground's server.
_OTHERS = re.compile(
    r".*\.(?:br|gz)|chunks\.json|index\.html|site\.webmanifest|sw\.js|screenshots/.*|licences\.md|slm\.d\.ts|assets/sync-worker-.*"
)
# What brings each of the parts that a site may be without.
_PDF, _MATH, _CODE = "/node_modules/pdfjs-dist/", "/node_modules/temml/", "/src/ui/parts/highlight.ts"
# What our own server keeps, and the settings of the desktop app.
_SERVER = ("/src/state/sync/sync.ts", "/src/ui/settings/data-folder.tsx", "/src/ui/settings/machine.tsx")
_SW_LIST = re.compile(r"(?P<quote>[\"'`])(?P<list>[^\"'`\s|]+ sha256-[^\"'`]*)(?P=quote)")
_RULES = re.compile(r"assets/harper[-_].*")
_GPU_RUNTIME = re.compile(r"ort/.*\.?(?:jspi|asyncify)\..*|assets/ort\.(?:jspi|webgpu)\..*")
# Where the worker does not look: for other pages, people and robots.
_NOT_OFFLINE = re.compile(
    r"(?:slm|slm-chat|sw)\.js|licences\.md|README\.md|_headers|\.nojekyll|social\.png|embed\.html|card\.css"
)


@dataclass(frozen=True, slots=True)
class WebBuild:
    """`folder` with index.html; `chunks` is Vite's manifest."""

    folder: Path
    chunks: Mapping[str, Any]

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def has(self, name: str) -> bool:
        return (self.folder / name).is_file()


def find_web_build(folder: Path | None = None) -> WebBuild:
    """The build in `folder`, else the one of the installed slm-playground.

    Raises: SiteError where there is none, or one of another version.
    """
    place = folder or _installed()
    if place is None:
        raise SiteError(
            "The page is not installed: slm_playground was not found. Install slm-playground, or name a build by --web."
        )
    for name in ("index.html", "sw.js", "slm.js", CHUNKS):
        if not (place / name).is_file():
            raise SiteError(f"{place} has no {name}, so it is no build of the page of this version. Run `make build` first.")
    try:
        chunks = json.loads((place / CHUNKS).read_text(encoding="utf-8"))
    except ValueError as error:
        raise SiteError(f"{place / CHUNKS} is not JSON ({error}). Build the page again: `make build`.") from error
    return WebBuild(place, chunks)


def _installed() -> Path | None:
    """Of a checkout its web/dist, of a wheel its `static`; the package itself is not imported."""
    spec = importlib.util.find_spec("slm_playground")
    if spec is None or not spec.submodule_search_locations:
        return None
    package = Path(next(iter(spec.submodule_search_locations)))
    built = package.parents[1] / "web" / "dist"
    is_checkout = package.parent.name == "playground" and (package.parents[1] / "web").is_dir()
    return built if is_checkout else package / "static"


@dataclass(frozen=True, slots=True)
class Needs:
    """What of the page a site uses. `gpu`: ONNX Runtime's WebGPU builds; `grammar`: the rules beside the grammar model."""

    pages: frozenset[str]
    pdf: bool
    math: bool
    code: bool
    gpu: bool
    grammar: bool


def needed_files(build: WebBuild, needs: Needs) -> list[str]:
    """The files that a site copies as they are, sorted."""
    dropped = _dropped_files(build, needs)
    unneeded = [pattern for pattern, is_needed in ((_GPU_RUNTIME, needs.gpu), (_RULES, needs.grammar)) if not is_needed]
    names = (path.relative_to(build.folder).as_posix() for path in build.folder.rglob("*") if path.is_file())
    return sorted(
        name
        for name in names
        if not _OTHERS.fullmatch(name) and name not in dropped and not any(pattern.fullmatch(name) for pattern in unneeded)
    )


def _dropped_files(build: WebBuild, needs: Needs) -> set[str]:
    """What only left-out pages, parts and our own server ask for: reachable in the module graph with them, and not without."""
    chunks = build.chunks
    entries = [key for key, chunk in chunks.items() if chunk.get("isEntry")]
    parts = [name for name, is_needed in ((_PDF, needs.pdf), (_MATH, needs.math), (_CODE, needs.code)) if not is_needed]
    left_out = {
        key
        for key in chunks
        if ((page := _page_of(key)) and page not in needs.pages) or any(name in f"/{key}" for name in (*parts, *_SERVER))
    }
    return _files(chunks, entries, set()) - _files(chunks, entries, left_out)


def _page_of(source: str) -> str | None:
    match = re.fullmatch(r"src/ui/(\w+)/page\.tsx", source)
    return match[1] if match else None


def _files(chunks: Mapping[str, Any], entries: Iterable[str], without: set[str]) -> set[str]:
    """Files of all chunks that can be reached from `entries` without going through `without`."""
    left_files = {chunks[key]["file"] for key in without}
    seen: set[str] = set()
    queue = [key for key in entries if key not in without]
    while queue:
        key = queue.pop()
        if key in seen:
            continue
        seen.add(key)
        chunk = chunks[key]
        queue += [name for name in (*chunk.get("imports", ()), *chunk.get("dynamicImports", ())) if name not in without]
    found = {chunks[key]["file"] for key in seen}
    found.update(name for key in seen for kind in ("css", "assets") for name in chunks[key].get(kind, ()))
    return found - left_files


def chunk_file(build: WebBuild, source: str) -> str | None:
    """The file that holds `source`, such as `src/ui/write/page.tsx`; None where it has none of its own."""
    chunk = build.chunks.get(source)
    return chunk["file"] if chunk else None


def service_worker(build: WebBuild, digests: Mapping[str, bytes]) -> str:
    """sw.js for a site whose page consists of `digests`: path → SHA-256.

    Raises: SiteError where the build's sw.js has no list of files, as of another version.
    """
    source = build.text("sw.js")
    places = list(_SW_LIST.finditer(source))
    if len(places) != 1:
        raise SiteError(f"{build.folder / 'sw.js'} has no list of files: it is of another version. Run `make build` first.")
    listed = (f"{path} sha256-{base64.b64encode(digests[path]).decode()}" for path in sorted(digests))
    place = places[0]
    return f"{source[: place.start('list')]}{'|'.join(listed)}{source[place.end('list') :]}"


def is_offline(path: str) -> bool:
    """True for a file of the page itself, which the service worker keeps."""
    return not path.startswith("models/") and not _NOT_OFFLINE.fullmatch(path)


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
