"""site.json: what the page shows, out of what the author said and what the models can do."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from slm_export.site.errors import SiteError
from slm_export.site.models import SiteModel
from slm_export.site.settings import Link, Settings

FORMAT = 1
SITE_JSON = "site.json"
_NEEDS = {"chat": "chat", "compare": "chat", "write": "write", "analyse": "analyse"}  # page → what a model must do
_TASK_NEEDS = {"autocomplete": "write", "grammar": "grammar"}


@dataclass(frozen=True, slots=True)
class Content:
    """A site's content, with nothing left open: settings with title, description, pages, tasks and default model."""

    settings: Settings
    models: tuple[SiteModel, ...]

    @property
    def title(self) -> str:
        return self.settings.title or self.models[0].manifest.name

    @property
    def description(self) -> str:
        return self.settings.description or ""


def complete(settings: Settings, models: Sequence[SiteModel]) -> Content:
    """Fill in what the author left open.

    Raises: SiteError where a page, a task or a model was asked for that these models have not.
    """
    tasks = settings.tasks if settings.tasks is not None else _possible(_TASK_NEEDS, models)
    pages = settings.pages or _default_pages(models)
    _require_possible(pages, _NEEDS, models, "page")
    _require_possible(tasks, _TASK_NEEDS, models, "task")
    if not pages:
        names = ", ".join(model.manifest.name for model in models)
        raise SiteError(f"Nothing can be shown with {names} alone. Add a bundle that can chat or correct grammar.")
    ids = [model.manifest.id for model in models]
    for key, name in (("default_model", settings.default_model), *settings.per_task):
        if name is not None and name not in ids:
            raise SiteError(f"{key} is {name!r}, which is none of the bundles ({', '.join(ids)}).")
    first = _NEEDS.get(pages[0], "chat")
    default = settings.default_model or next((m.manifest.id for m in models if m.can(first)), ids[0])
    licences = {model.manifest.licence.id for model in models}
    filled = replace(
        settings,
        title=settings.title or models[0].manifest.name,
        description=settings.description if settings.description is not None else models[0].manifest.description,
        licence=settings.licence or (licences.pop() if len(licences) == 1 else None),
        pages=pages,
        tasks=tasks if "write" in pages else (),
        default_model=default,
        per_task=_per_task(settings, models, pages, tasks),
    )
    return Content(filled, tuple(models))


def _possible(needs: dict[str, str], models: Sequence[SiteModel]) -> tuple[str, ...]:
    return tuple(name for name, need in needs.items() if any(model.can(need) for model in models))


def _default_pages(models: Sequence[SiteModel]) -> tuple[str, ...]:
    can = {need for need in ("chat", "write", "grammar") if any(model.can(need) for model in models)}
    pages: list[str] = [page for page in ("chat", "write") if page in can or (page == "write" and "grammar" in can)]
    if "chat" in can and any(model.manifest.architecture != "decoder" for model in models):
        pages.append("analyse")
    return tuple(pages)


def _require_possible(names: Sequence[str], needs: dict[str, str], models: Sequence[SiteModel], kind: str) -> None:
    for name in names:
        need = needs.get(name)
        if (
            need is None
            or any(model.can(need) for model in models)
            or (name == "write" and any(m.can("grammar") for m in models))
        ):
            continue
        listed = ", ".join(f"{model.manifest.id} ({', '.join(model.manifest.tasks)})" for model in models)
        raise SiteError(f"The {kind} {name!r} needs a model for it, and there is only {listed}. Leave it out, or add a bundle.")


def _per_task(
    settings: Settings, models: Sequence[SiteModel], pages: Sequence[str], tasks: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    chosen = dict(settings.per_task)
    wanted = [("write", "write" in pages), ("grammar", "write" in pages and "grammar" in tasks), ("analyse", "analyse" in pages)]
    for task, is_wanted in wanted:
        able = [model.manifest.id for model in models if model.can(task)]
        if is_wanted and able:
            chosen.setdefault(task, settings.default_model if settings.default_model in able else able[0])
    return tuple(sorted(chosen.items()))


def site_json(content: Content, logo: str | None) -> str:
    """The text of site.json (docs/sites.md); `logo` is the picture's path in the site."""
    settings = content.settings
    data = {
        "format": FORMAT,
        "title": content.title,
        "description": content.description,
        "author": settings.author and dataclasses.asdict(settings.author),
        "accent": settings.accent and dataclasses.asdict(settings.accent),
        "logo": logo,
        "pages": settings.pages,
        "tasks": settings.tasks,
        "controls": settings.controls,
        "models": [
            {"id": m.manifest.id, "name": m.manifest.name, "manifest": m.address, "bytes": m.first_visit_bytes}
            for m in content.models
        ],
        "default_model": settings.default_model,
        "per_task": dict(settings.per_task),
        "examples": dict(settings.examples),
        "presets": settings.presets,
        "licence": settings.licence,
        "links": [dataclasses.asdict(link) for link in (*settings.links, *card_links(content))],
        "pdf": settings.pdf,
        "math": settings.math,
        "code": settings.code,
        "isolation": settings.isolation,
    }
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def card_links(content: Content) -> tuple[Link, ...]:
    """A link to each model's card."""
    several = len(content.models) > 1
    return tuple(
        Link(f"Model card: {m.manifest.name}"[:60] if several else "Model card", f"{m.place}card.html") for m in content.models
    )
