"""What an author says about a site: the values, and the defaults that follow from the models."""

from __future__ import annotations

from dataclasses import dataclass

PAGES = ("chat", "write", "analyse", "compare", "models", "device")
TASKS = ("autocomplete", "grammar")
EXTRAS = ("pdf", "math", "code")  # parts of the page that not every site needs
ISOLATIONS = ("headers", "worker", "none")
CONTROLS = ("all", "simple")
CONTROL_GROUPS = ("simple", "advanced", "format", "presets", "device")
EXAMPLE_KINDS = ("chat", "write")
TASK_MODELS = ("write", "grammar", "analyse")


@dataclass(frozen=True, slots=True)
class Author:
    """Who made the site; `url` is https."""

    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Accent:
    """Colours `#rrggbb` for the light and the dark theme."""

    light: str
    dark: str


@dataclass(frozen=True, slots=True)
class Link:
    """`href` is an https address or a path in the site."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that goes into the site: its content and the ending of its name, such as `.svg`."""

    content: bytes
    suffix: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is not in the bundles. None and empty: not said, so the default of docs/sites.md holds.

    `url`: where the site will be (https, ends with a slash), for the addresses in social tags. `presets` are preset files as the
    page exports them. `controls` is `all`, `simple` or a list of groups.
    """

    title: str | None = None
    description: str | None = None
    author: Author | None = None
    accent: Accent | None = None
    logo: Picture | None = None
    social: Picture | None = None
    url: str | None = None
    licence: str | None = None
    pages: tuple[str, ...] = ()
    tasks: tuple[str, ...] | None = None
    controls: str | tuple[str, ...] = "all"
    default_model: str | None = None
    per_task: tuple[tuple[str, str], ...] = ()
    examples: tuple[tuple[str, tuple[str, ...]], ...] = ()
    presets: tuple[dict[str, object], ...] = ()
    links: tuple[Link, ...] = ()
    isolation: str = "headers"
    pdf: bool = False
    math: bool = False
    code: bool = False
