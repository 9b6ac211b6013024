"""Chat templates: all the forms in which a checkpoint stores one, and the known ones that a user can ask for by name.

The files in data/templates are written for this project from the published prompt formats; tests render each in Python
and in the browser's engine.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from slm_export.errors import SourceError
from slm_export.options import ExportOptions

FILE_NAME = "chat_template.jinja"


def known_templates() -> list[str]:
    """Names that --chat-template takes."""
    folder = files("slm_export") / "data" / "templates"
    return sorted(entry.name.removesuffix(".jinja") for entry in folder.iterdir() if entry.name.endswith(".jinja"))


def require_choice(choice: str) -> None:
    """Raises: SourceError naming the known templates where `choice` is none of them and no file."""
    if choice not in known_templates() and not Path(choice).expanduser().is_file():
        near = difflib.get_close_matches(choice, known_templates(), n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise SourceError(
            f"--chat-template {choice} is neither a known template nor a file.{meant} Known are {', '.join(known_templates())}."
        )


def read_choice(choice: str) -> str:
    """The source of the template that --chat-template names: a known one, or a file.

    Raises: SourceError naming the known ones where there is no such template or it is not Jinja.
    """
    require_choice(choice)
    if choice in known_templates():
        return (files("slm_export") / "data" / "templates" / f"{choice}.jinja").read_text(encoding="utf-8")
    path = Path(choice).expanduser()
    from jinja2 import TemplateSyntaxError
    from transformers.utils.chat_template_utils import _compile_jinja_template  # brings PyTorch along

    try:
        source = path.read_text(encoding="utf-8")
        _compile_jinja_template(source)
    except (UnicodeDecodeError, TemplateSyntaxError) as error:
        raise SourceError(
            f"--chat-template {choice} is not a Jinja template: {error}. Correct the file, then try again."
        ) from error
    return source


def stored_template(folder: Path) -> str | None:
    """The default chat template of a Hugging Face folder, wherever it is stored; None for a base model.

    transformers' order: chat_template.jinja, chat_template.json (processors), then tokenizer_config.json, where it is a
    text or a list of named ones. Templates for other uses (additional_chat_templates/, tool_use, rag) are left alone.
    """
    if (folder / FILE_NAME).is_file():
        return (folder / FILE_NAME).read_text(encoding="utf-8", errors="replace")
    for name in ("chat_template.json", "tokenizer_config.json"):
        template = _json(folder / name).get("chat_template")
        if isinstance(template, list):
            named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
            template = named.get("default")
        if isinstance(template, str) and template:
            return template
    return None


def require_usable(template: str, names: Mapping[str, str], where: str) -> None:
    """Refuse a template that is not Jinja, or cannot render one question. `names`: the special tokens' texts.

    Raises: SourceError with what it says.
    """
    from slm_export.golden import CHATS, render_or_raise

    try:
        render_or_raise(template, CHATS[0], names)
    except Exception as error:  # its own refusal, or whatever Python says to what it does
        raise SourceError(
            f"The chat template of {where} cannot render a conversation of one question ({type(error).__name__}: {error}). Give "
            f"another with --chat-template NAME or FILE (known: {', '.join(known_templates())}), or say --task completion."
        ) from error


def choose_template(stored: str | None, options: ExportOptions, name: str) -> str | None:
    """The template that the bundle gets: the user's, else the adapter's, else the stored one; none for completion only.

    Raises: SourceError where chat is asked for and there is no template.
    """
    if options.chat_template is not None:
        return read_choice(options.chat_template)
    if options.task == "completion":
        return None
    if options.adapter and (options.adapter / FILE_NAME).is_file():  # the one it was trained with
        return read_choice(str(options.adapter / FILE_NAME))
    if options.task == "chat" and not stored:
        raise SourceError(
            f"{name} has no chat template, so it cannot be exported for chat. If it was trained on a chat format, name it "
            f"with --chat-template NAME or FILE; known are {', '.join(known_templates())}. A base model wants --task completion."
        )
    return stored


def stated_options(options: ExportOptions) -> dict[str, str | None]:
    """What of the options decides the bundle's content, beyond the source itself; the template's own text, not its name."""
    template = None if options.chat_template is None else read_choice(options.chat_template)
    return {"task": options.task, "chat_template": template}


def no_template_note(name: str) -> str:
    """What the user of a model without a chat template is told."""
    return (
        f"{name} has no chat template: the bundle continues text, and does not chat. If it was trained on a chat format, "
        f"say so with --chat-template NAME or FILE (known: {', '.join(known_templates())})."
    )


def browser_note(template: str) -> str | None:
    """A warning where @huggingface/jinja 0.5.11, the browser's, does other than jinja2 with a template that jinja2 can read."""
    from jinja2 import Environment, nodes

    from slm_export.golden import without_generation

    tree = Environment(extensions=["jinja2.ext.loopcontrols"]).parse(without_generation(template))
    unknown = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block, nodes.With)
    found = {f"the statement {type(node).__name__.lower()}" for node in tree.find_all(unknown)}
    if re.search(r"\{%[-+]?\s*raw\b", template):
        found.add("the statement raw")
    for output in tree.find_all(nodes.Output):
        for shown in output.nodes:
            is_constant = isinstance(shown, nodes.Const) and (shown.value is None or isinstance(shown.value, bool))
            if is_constant or isinstance(shown, (nodes.Test, nodes.Compare, nodes.Not)):
                found.add("a truth value or none as text (True in Python, true in the browser)")
    if not found:
        return None
    return f"Warning: the chat template has {', '.join(sorted(found))}: the browser may render it otherwise, or refuse it"


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
