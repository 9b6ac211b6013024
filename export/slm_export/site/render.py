"""The texts of a site: its pages, README and `_headers`. Only jinja2 with autoescape makes HTML here."""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from slm_export.site.content import Content
from slm_export.site.errors import SiteError
from slm_export.site.headers import ISOLATION, content_security_policy
from slm_export.site.models import SiteModel
from slm_export.site.web_build import WebBuild

_MARKDOWN = re.compile(r"([\\`*_\[\]#|<>~&])")


def index_html(content: Content, build: WebBuild) -> str:
    """The build's own page with this site's title, description, social tags and CSP.

    Raises: SiteError where the build's page is not as this version makes it.
    """
    page = _replaced(build.text("index.html"), r' *<meta name="description"[^>]*>\n', "")
    page = _replaced(page, r"<title>[^<]*</title>", f"<title>{escape(content.title)}</title>")
    # In front of everything that the policy is to hold for.
    head = _render("head.html.jinja", content, policy_tag=Markup(policy_tag(policy(content))))
    return _replaced(page, r'<meta charset="utf-8">\n', f'<meta charset="utf-8">\n{head}')


def _replaced(page: str, pattern: str, replacement: str) -> str:
    result, count = re.subn(pattern, lambda _: replacement, page)
    if count != 1:
        raise SiteError(f"The built page has {count} places like {pattern!r} instead of one: it is of another version.")
    return result


def policy(content: Content) -> str:
    """The CSP of the site's page."""
    return content_security_policy(model.hub for model in content.models if model.hub)


def policy_tag(text: str) -> str:
    """The meta tag with a CSP."""
    return f'<meta http-equiv="Content-Security-Policy" content="{escape(text, quote=False)}">'


def web_manifest(content: Content, build: WebBuild) -> str:
    """site.webmanifest with this site's name, without the playground's pictures."""
    data = json.loads(build.text("site.webmanifest"))
    data.pop("screenshots", None)
    accent = content.settings.accent
    data |= {"name": content.title, "short_name": content.title[:12].strip(), "description": content.description}
    data |= {"theme_color": accent.light} if accent else {}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def card_html(content: Content, model: SiteModel) -> str:
    """The page with a model's card: what it is, where it is from, licence, measured fidelity of each variant."""
    sizes = {v.name: sum(entry.size_bytes for entry in v.files) for v in model.manifest.variants}
    return _render("card.html.jinja", content, model=model, manifest=model.manifest, sizes=sizes)


def embed_html(content: Content) -> str:
    """The example of a model in somebody's own page."""
    model = next(m for m in content.models if m.manifest.id == content.settings.default_model)
    return _render(
        "embed.html.jinja", content, model=model, bundle=model.hub or model.place, policy_tag=Markup(policy_tag(policy(content)))
    )


def readme(content: Content, licence_id: str) -> str:
    """README.md with the front matter of a Hugging Face Space."""
    isolation = {name.lower(): value for name, value in ISOLATION.items()} if content.settings.isolation != "none" else {}
    # A Space refuses what is no identifier of the hub's own list, as SPDX's references to other texts are not.
    of_hub = "other" if licence_id.startswith("LicenseRef-") else licence_id.lower()
    return _render("README.md.jinja", content, isolation=isolation, licence_id=of_hub)


def stylesheet() -> str:
    """The style of card.html and embed.html."""
    return source("card.css")


def _render(template: str, content: Content, **values: object) -> str:
    return _environment().get_template(template).render(content=content, settings=content.settings, **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(source),
        autoescape=lambda name: name is None or not name.endswith(".md.jinja"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["megabytes"] = lambda count: f"{count / 1e6:,.1f} MB"
    environment.filters["markdown"] = lambda text: _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))
    # A JSON text is a YAML text too, but for escaped halves of a character.
    environment.filters["yaml"] = lambda text: json.dumps(str(text), ensure_ascii=False)
    return environment


def source(name: str) -> str:
    """A file of templates/."""
    return (files("slm_export") / "site" / "templates" / name).read_text(encoding="utf-8")
