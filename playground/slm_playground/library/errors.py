"""What can go wrong while models are added or changed: sentences for people, with the HTTP status they go out under."""

from __future__ import annotations

from slm_playground.library.sentences import SENTENCES, Fact


class LibraryError(Exception):
    """What happened, why, and what to do next; `status` is the HTTP status of the answer.

    `kind` and `facts` say the same for pages in another language; None and nothing for a sentence that only programs get.
    """

    def __init__(self, message: str, status: int = 400, *, kind: str | None = None, facts: dict[str, Fact] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.facts = facts or {}


def told(kind: str, status: int = 400, /, **facts: Fact) -> LibraryError:
    """The error of a kind in `SENTENCES`, with the facts that its sentence names."""
    return LibraryError(SENTENCES[kind].format(**facts), status, kind=kind, facts=facts)


class Stopped(Exception):
    """Somebody asked for a pause or an end; not an error."""


class Damaged(Exception):
    """What arrived is not the file that was asked for: worth one more try from the first byte."""
