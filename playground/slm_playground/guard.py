"""Who may ask what. Pure: a request's facts in, a refusal or None out; knows nothing of files or routes.

Threats: any web page the user has open (DNS rebinding, cross-site requests, inclusion as script, image or frame) and pages of
other programs on 127.0.0.1, which browsers count as the same *site* whatever their port. Reading needs no token, so bookmarks
work; every write needs one, which no other page can learn.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from slm_playground.headers import TOKEN_HEADER as TOKEN_HEADER

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers  # the command line reads this file and needs no more than the names in it

RequestHeaders: TypeAlias = "Mapping[str, str] | Headers"

LOOPBACK_NAMES = ("127.0.0.1", "localhost")
READ_METHODS = frozenset({"GET", "HEAD"})
# No route takes these, so they end as 405 without being asked for a token: they cannot change anything.
HARMLESS_METHODS = READ_METHODS | {"OPTIONS", "TRACE"}
# Of writes: no form can send these. Pieces of files are octets.
BODY_TYPES = ("application/json", "application/octet-stream")
# The page itself, the only thing that a link on another site may open.
PAGE_PATHS = frozenset({"/"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """`status` is the HTTP status, `message` what happened, why and what to do, for people."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules for a server on loopback `port`; `token` is what a write must bring."""

    port: int
    token: str

    def hosts(self) -> frozenset[str]:
        """The values of Host that are ours: exact, so `localhost.`, `[::1]` and a missing port are not."""
        names = {f"{name}:{self.port}" for name in LOOPBACK_NAMES}
        return frozenset(names | set(LOOPBACK_NAMES) if self.port == 80 else names)

    def check(self, method: str, path: str, headers: RequestHeaders) -> Refusal | None:
        """The reason not to answer, or None. The order matters: nothing about us is told to a foreign host."""
        return self._check_host(headers) or self._check_origin(method, path, headers) or self._check_token(method, headers)

    def _check_host(self, headers: RequestHeaders) -> Refusal | None:
        # A rebinding attacker points their own name at 127.0.0.1: the browser then sends that name as Host.
        if headers.get("Host") in self.hosts():
            return None
        return Refusal(
            421,
            "This address is not served here. SLM Playground answers only under its own address, so that no web site can "
            f"reach it by another name. Open http://{LOOPBACK_NAMES[0]}:{self.port}/ instead; if you forward the port from "
            "another machine, use the same port number on both sides.",
        )

    def _check_origin(self, method: str, path: str, headers: RequestHeaders) -> Refusal | None:
        # `null` (sandboxed frames, files, data: URLs) is anybody, so it is refused with the rest.
        origin = headers.get("Origin")
        if origin is not None and origin != f"http://{headers['Host']}":
            return _foreign("its Origin is not this server's")
        site = headers.get("Sec-Fetch-Site")
        # `same-site` is refused too: that is what a page of another program on another port of 127.0.0.1 sends.
        if site in (None, "none", "same-origin") or _is_link_to_the_page(method, path, headers):
            return None
        return _foreign("it was made by another site")

    def _check_token(self, method: str, headers: RequestHeaders) -> Refusal | None:
        if method in HARMLESS_METHODS:
            return None
        given = headers.get(TOKEN_HEADER, "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.token.encode()):
            return Refusal(
                403,
                f"This request would change something and lacks this server's token (header {TOKEN_HEADER}). The token is new at "
                "every start: reload the page and try again.",
            )
        if headers.get("Content-Type", "").partition(";")[0].strip().lower() not in BODY_TYPES:
            return Refusal(403, f"Changes are accepted only as {' or '.join(BODY_TYPES)}, which no plain form can send.")
        return None


def _is_link_to_the_page(method: str, path: str, headers: RequestHeaders) -> bool:
    """True when a person follows a link on another site to our page.

    Harmless, and refusing it would break every link in a mail, a wiki or a chat: the other site learns nothing (COOP cuts
    window.opener, CORP and the lack of CORS keep the answer from it, frames say `iframe` here and are refused), and opening the
    page changes nothing. Only a top-level document, only by GET or HEAD, only the page itself, never models or the API.
    The page must therefore never act on its query string without asking.
    """
    navigates = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    return navigates and method in READ_METHODS and path in PAGE_PATHS


def _foreign(why: str) -> Refusal:
    return Refusal(
        403,
        f"Refused: only SLM Playground's own page may ask for this, and {why}. "
        "Open the page itself, or use a command-line tool such as curl.",
    )
