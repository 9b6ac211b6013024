"""What a site will consist of, known before anything is written: every file of it and the size of them all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slm_export.manifest import to_json
from slm_export.site import render
from slm_export.site.content import SITE_JSON, Content, complete, site_json
from slm_export.site.errors import SiteError
from slm_export.site.headers import headers_file, rules
from slm_export.site.models import read_models
from slm_export.site.order import Order
from slm_export.site.social import social_png
from slm_export.site.web_build import Needs, WebBuild, is_offline, needed_files, service_worker

_RUNTIME = ("ort/",)


@dataclass(frozen=True, slots=True)
class SitePlan:
    """`copied`: files of the built page → SHA-256; `made`: files that this program writes, but for manifests and sums."""

    content: Content
    build: WebBuild
    copied: Mapping[str, bytes]
    made: Mapping[str, bytes]
    max_file_bytes: int

    @property
    def model_bytes(self) -> int:
        """Of the bundles' files that are copied."""
        bundled = (model for model in self.content.models if not model.hub)
        return sum(sum(entry.size_bytes for entry in model.manifest.all_files()) for model in bundled)

    @property
    def runtime_bytes(self) -> int:
        """Of ONNX Runtime's files."""
        return sum(self._size(name) for name in self.copied if name.startswith(_RUNTIME))

    @property
    def page_bytes(self) -> int:
        """Of everything else."""
        return sum(self._size(name) for name in self.copied) - self.runtime_bytes + sum(map(len, self.made.values()))

    @property
    def total_bytes(self) -> int:
        """Of the folder, without what parts add to the manifests and without the list of sums."""
        manifests = (to_json(model.manifest) for model in self.content.models if not model.hub)
        return self.model_bytes + self.runtime_bytes + self.page_bytes + sum(len(text.encode()) for text in manifests)

    @property
    def too_large(self) -> list[str]:
        """Files of the page that are over the limit and cannot be split."""
        return [name for name in self.copied if self._size(name) > self.max_file_bytes]

    def _size(self, name: str) -> int:
        return (self.build.folder / name).stat().st_size


def plan_site(order: Order, build: WebBuild) -> SitePlan:
    """Read the bundles and make all texts; nothing is written.

    Raises: SiteError, ManifestError.
    """
    hub = dict(order.hub) if order.weights == "hub" else None
    if order.hub and hub is None:
        raise SiteError("--hub says where the weights are, and they are to be copied: add --weights hub.")
    content = complete(order.settings, read_models(order.bundles, order.variants, hub))
    names = needed_files(build, needs_of(content))
    copied = {name: _digest(build.folder / name) for name in names}
    made = _texts(content, build)
    offline = {name: digest for name, digest in copied.items() if is_offline(name)}
    offline |= {name: hashlib.sha256(text).digest() for name, text in made.items() if is_offline(name)}
    made["sw.js"] = service_worker(build, offline).encode()
    return SitePlan(content, build, copied, made, order.max_file_bytes)


def needs_of(content: Content) -> Needs:
    """What of the built page this content uses."""
    settings = content.settings
    tasks = settings.tasks or ()
    has_gpu = any(model.needs_gpu_runtime for model in content.models)
    return Needs(
        pages=frozenset(settings.pages),
        pdf=settings.pdf,
        math=settings.math,
        code=settings.code,
        gpu=has_gpu,
        grammar="grammar" in tasks,
    )


def _texts(content: Content, build: WebBuild) -> dict[str, bytes]:
    settings = content.settings
    logo = f"logo{settings.logo.suffix}" if settings.logo else None
    texts = {
        "index.html": render.index_html(content, build),
        SITE_JSON: site_json(content, logo),
        "site.webmanifest": render.web_manifest(content, build),
        "card.css": render.stylesheet(),
        "embed.html": render.embed_html(content),
        "README.md": render.readme(content, settings.licence or "other"),
        "_headers": headers_file(rules(render.policy(content), is_isolated=settings.isolation != "none")),
        ".nojekyll": "",
        "licences.md": build.text("licences.md") if build.has("licences.md") else "",
    }
    texts |= {f"{model.place}card.html": render.card_html(content, model) for model in content.models}
    made = {name: text.encode() for name, text in texts.items()}
    if settings.logo and logo:
        made[logo] = settings.logo.content
    made["social.png"] = settings.social.content if settings.social else _social(content)
    return made


def _social(content: Content) -> bytes:
    author, licence = content.settings.author, content.settings.licence
    byline = " · ".join(text for text in (f"By {author.name}" if author else "", licence or "") if text)
    return social_png(content.title, content.description, byline, content.settings.accent)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
