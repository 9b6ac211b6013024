"""HTTP as a client, standard library only: which addresses may be asked, redirects, failures in words."""

from __future__ import annotations

import http.client
import ipaddress
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from slm_playground import __version__
from slm_playground.library.errors import LibraryError, told

TIMEOUT_SECONDS = 30
# Listings and configurations; weights never pass through here.
MAX_TEXT_BYTES = 64 << 20
_USER_AGENT = f"slm-playground/{__version__}"

Answer = http.client.HTTPResponse


def check_address(url: str) -> str:
    """`url` where it may be asked: https, or http on this machine (elsewhere anybody on the way could change a model).

    Raises: LibraryError.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise told("no-address", url=repr(url), said=str(error)) from error
    if parts.scheme == "https" and host and not parts.username:
        return url
    if parts.scheme == "http" and _is_loopback(host):
        return url
    raise told("not-https", url=repr(url))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Proxies(urllib.request.ProxyHandler):
    """The system's proxies, but not for this machine."""

    def proxy_open(self, req: urllib.request.Request, proxy: str, type: str) -> Any:
        return None if _is_loopback(urlsplit(req.full_url).hostname or "") else super().proxy_open(req, proxy, type)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows only to addresses that may be asked themselves."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        return super().redirect_request(req, fp, code, msg, headers, check_address(newurl))


def _opener() -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    for handler in (
        _Proxies(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


_OPENER = _opener()


def ask(url: str, headers: Mapping[str, str] | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> Answer:
    """The open answer to a GET; statuses of 300 and more are raised.

    Raises: urllib.error.HTTPError, OSError (no connection), LibraryError for an address that may not be asked.
    """
    # A compressed answer has another length than the file.
    all_headers = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **(headers or {})}
    request = urllib.request.Request(check_address(url), headers=all_headers)
    answer: Answer = _OPENER.open(request, timeout=timeout_seconds)
    return answer


def read_text(url: str) -> tuple[str, Message] | None:
    """A small text and its headers, None where there is none.

    Raises: LibraryError.
    """
    try:
        with ask(url) as answer:
            data = answer.read(MAX_TEXT_BYTES + 1)
            headers = answer.headers
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                return None
            raise refused(url, error.code) from error
    except (OSError, http.client.HTTPException) as error:
        raise unreachable(url, error) from error
    if len(data) > MAX_TEXT_BYTES:
        raise told("too-large", url=url)
    try:
        return data.decode("utf-8"), headers
    except UnicodeDecodeError as error:
        raise told("no-text", url=url) from error


def read_json(url: str) -> tuple[Any, Message] | None:
    """Like `read_text`, parsed. Servers of single pages answer every address with their page: that counts as nothing.

    Raises: LibraryError.
    """
    found = read_text(url)
    if found is None or found[1].get("Content-Type", "").startswith("text/html"):
        return None
    try:
        return json.loads(found[0]), found[1]
    except ValueError as error:
        raise told("not-json", url=url) from error


def refused(url: str, status: int) -> LibraryError:
    """The error for an answer of 400 and more."""
    if status in (401, 403):
        return told("private", url=url, status=status)
    if status == 404:
        return told("nothing-there", 404, url=url)
    return told("refused", 502, url=url, status=status)


def unreachable(url: str, error: Exception) -> LibraryError:
    """The error for a server that does not answer."""
    host = urlsplit(url).netloc
    reason = getattr(error, "reason", None) or error
    return told("unreachable", 502, host=host, said=str(reason))
