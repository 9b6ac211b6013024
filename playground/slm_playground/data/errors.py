"""What can go wrong with the data folder: sentences for people, with the HTTP status they go out under."""

from __future__ import annotations

from slm_playground.data.sentences import SENTENCES
from slm_playground.library.sentences import Fact


class DataError(Exception):
    """What happened, why, and what to do next; `status` is the HTTP status of the answer.

    `kind` and `facts` say the same for pages in another language; None and nothing for a sentence that only programs get.
    """

    def __init__(self, message: str, status: int = 400, *, kind: str | None = None, facts: dict[str, Fact] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.facts = facts or {}

    def sentence(self) -> dict[str, object]:
        """As an answer carries it that is not itself an error."""
        return {"message": str(self), "kind": self.kind, "facts": self.facts}


def told(kind: str, status: int = 400, /, **facts: Fact) -> DataError:
    """The error of a kind in `SENTENCES`, with the facts that its sentence names."""
    return DataError(SENTENCES[kind].format(**facts), status, kind=kind, facts=facts)


class Moved(Exception):
    """The records have been moved by another process: open them again where `paths.data_dir()` says."""
