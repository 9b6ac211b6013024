"""What the app cannot do, in sentences: of each a kind and facts, for pages in another language (sentences.py)."""

from __future__ import annotations

from slm_playground.desktop.sentences import SENTENCES
from slm_playground.library.sentences import Fact


class DesktopError(Exception):
    """The message says what can be done; `kind` and `facts` the same for pages in another language; `status` is HTTP's."""

    def __init__(self, kind: str, status: int, facts: dict[str, Fact]) -> None:
        super().__init__(SENTENCES[kind].format(**facts))
        self.kind = kind
        self.status = status
        self.facts = facts


def told(kind: str, status: int = 400, /, **facts: Fact) -> DesktopError:
    """The error of a kind in `SENTENCES`, with the facts that its sentence names."""
    return DesktopError(kind, status, facts)
