"""A site of tiny models as one HTML file that opens from disk: `slm-export site --single-file` (docs/sites.md).

Browsers give a page from disk no files beside it, so all of them lie in it: gzip, then base64 (templates/single_file.js takes
them out again). Without a server there is no isolation, so one thread; the GPU's runtime alone would be 20 MB, so the CPU only.
"""

from __future__ import annotations

import base64
import dataclasses
import gzip
import hashlib
import json
import re
from html import escape
from pathlib import Path

from slm_export.manifest import Manifest, to_json
from slm_export.progress import Reporter
from slm_export.site import render
from slm_export.site.content import SITE_JSON
from slm_export.site.errors import SiteError
from slm_export.site.models import SiteModel
from slm_export.site.order import Order
from slm_export.site.plan import SitePlan, plan_site
from slm_export.site.preview import mime_type
from slm_export.site.web_build import WebBuild

MOST_MODEL_BYTES = 25_000_000
_MARK = '<meta name="slm-single-file"'
_SCRIPTS = (".js", ".mjs")
_PAPERS = ("README.md",)  # shown by nothing in a page without files beside it
_CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'unsafe-inline' blob: 'wasm-unsafe-eval'",
        "worker-src blob:",
        "connect-src blob: data:",
        "img-src data: blob:",
        "style-src 'unsafe-inline'",
        "font-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "object-src 'none'",
    )
)


def write_single_file(order: Order, build: WebBuild, out: Path, reporter: Reporter, *, may_replace: bool) -> int:
    """Write the file; gives its size in bytes.

    Raises: SiteError for models that are too large or run on GPUs only, and for a file there that is not one of these.
    """
    _require_replaceable(out, may_replace=may_replace)
    if order.weights == "hub":
        raise SiteError("A page from disk asks nobody for anything: leave out --weights hub.")
    plan = plan_site(_cpu_only(order), build)
    size_bytes = sum(model.first_visit_bytes for model in plan.content.models)
    if any(model.needs_gpu_runtime for model in plan.content.models):
        raise SiteError("A single file runs on the CPU only, as the GPU's runtime has 17 MB: choose a CPU variant by --variants.")
    if size_bytes > MOST_MODEL_BYTES:
        raise SiteError(
            f"The models have {size_bytes / 1e6:.1f} MB, a single file takes {MOST_MODEL_BYTES / 1e6:.0f} MB: a browser holds it "
            "in memory several times over. Write a folder instead (without --single-file), and serve it from anywhere."
        )
    reporter.say(f"{plan.content.title}: models of {size_bytes / 1e6:.1f} MB in one file")
    text = _page(plan, _embedded(plan)).encode()
    part = out.with_name(f".{out.name}.part")
    part.write_bytes(text)
    part.replace(out)
    return len(text)


def _require_replaceable(out: Path, *, may_replace: bool) -> None:
    if out.suffix != ".html":
        raise SiteError(f"--single-file writes one HTML file: give its name, such as --out {out.with_suffix('.html').name}.")
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        return
    if not out.is_file() or _MARK not in out.read_text(encoding="utf-8", errors="replace")[:4000]:
        raise SiteError(f"{out} is no single-file site of slm-export, so it is not overwritten. Choose another --out.")
    if not may_replace:
        raise SiteError(f"{out} is there already. Say --yes to replace it.")


def _cpu_only(order: Order) -> Order:
    settings = dataclasses.replace(order.settings, isolation="none")
    return dataclasses.replace(order, settings=settings, variants=order.variants or ("cpu-int8",))


def _embedded(plan: SitePlan) -> dict[str, bytes]:
    """Path → content of what the page asks for."""
    build, content = plan.build, plan.content
    has_program = all(variant.program for model in content.models for variant in model.manifest.variants)
    files = {
        name: (build.folder / name).read_bytes()
        for name in plan.copied
        if name.startswith("assets/") or (name.startswith("ort/") and not has_program)
    }
    files = {name: text for name, text in files.items() if not name.endswith(".css")}
    files["icon.svg"] = (build.folder / "icon.svg").read_bytes()
    files[SITE_JSON] = _without_files_beside(plan.made[SITE_JSON])
    files |= {name: text for name, text in plan.made.items() if name.startswith("logo.")}
    for model in content.models:
        files |= _bundle(model)
    return files


def _without_files_beside(text: bytes) -> bytes:
    """site.json without links into the site: a page from disk has no card and no licence beside it."""
    data = json.loads(text)
    data["links"] = [link for link in data["links"] if link["href"].startswith("https://")]
    return json.dumps(data, ensure_ascii=False).encode()


def _bundle(model: SiteModel) -> dict[str, bytes]:
    manifest: Manifest = model.manifest
    files = {f"{model.place}manifest.json": to_json(manifest).encode()}
    for entry in manifest.all_files():
        text = b"".join((model.folder / piece.path).read_bytes() for piece in entry.parts or (entry,))
        if hashlib.sha256(text).hexdigest() != entry.sha256:
            raise SiteError(
                f"{model.folder / entry.path} is damaged: its SHA-256 is not the manifest's. Export the bundle again."
            )
        if entry.path not in _PAPERS:
            files[model.place + entry.path] = text
    return files


def _page(plan: SitePlan, files: dict[str, bytes]) -> str:
    """The site's own page with everything inside it."""
    page = plan.made["index.html"].decode()
    start = re.search(r'<script type="module"[^>]* src="\./([^"]+)"></script>', page)
    if start is None:
        raise SiteError("The built page has no start module: it is of another version. Run `make build` first.")
    page = page.replace(render.policy_tag(render.policy(plan.content)), render.policy_tag(_CSP))
    page = re.sub(
        r' *<(?:link rel="(?:modulepreload|stylesheet|manifest|icon)"|script |meta (?:property="og:|name="twitter:))[^>]*>'
        r"(?:</script>)?\n",
        "",
        page,
    )
    page = page.replace('<meta name="slm-site"', f'{_MARK} content="1">\n    <meta name="slm-site"')
    icon = base64.b64encode((plan.build.folder / "icon.svg").read_bytes()).decode()
    head = f'    <link rel="icon" href="data:image/svg+xml;base64,{icon}">\n{_styles(plan)}'
    body = "".join(_element(path, files[path]) for path in sorted(files))
    script = f'<script data-start="{start[1]}">\n{render.source("single_file.js")}</script>\n'
    page = page.replace("  </head>", f"{head}  </head>")
    return page.replace("  </body>", f"{body}{script}  </body>")


def _styles(plan: SitePlan) -> str:
    """Styles of all pages, in the order in which the build's page names them, then those of pages that come later."""
    build = plan.build
    first = re.findall(r'<link rel="stylesheet"[^>]* href="\./([^"]+)"', build.text("index.html"))
    later = [name for name in plan.copied if name.endswith(".css") and name not in first]
    return "".join(f"    <style>{build.text(name)}</style>\n" for name in (*first, *later))


def _element(path: str, content: bytes) -> str:
    """A script that browsers leave alone; `mtime` is fixed, so that the same input gives the same bytes."""
    packed = base64.b64encode(gzip.compress(content, compresslevel=9, mtime=0)).decode()
    kind = "text/javascript" if path.endswith(_SCRIPTS) else mime_type(path)
    return f'<script type="application/octet-stream" data-path="{escape(path)}" data-type="{escape(kind)}">{packed}</script>\n'
