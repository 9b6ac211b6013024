"""Error answers: JSON for programs, a plain page for people. One shape: {"error": {"status", "message"}}.

Sentences of the library also have a `kind` and `facts`, for pages in another language (library/sentences.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from http import HTTPStatus

from flask import Response, g, request

from slm_playground.headers import NEVER_STORE

# No style attribute and no script: the page's own policy forbids both.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title} - SLM Playground</title>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{message}</p>
{link}</main>
</body>
</html>
"""
_HOME = '<p><a href="/">Open SLM Playground</a></p>\n'


def error_response(
    status: int,
    message: str,
    *,
    title: str | None = None,
    link_home: bool = True,
    kind: str | None = None,
    facts: Mapping[str, str | int] | None = None,
) -> Response:
    """The answer to the current request for an error: a page if a person navigated here, JSON else. The log gets it too."""
    g.problem = message
    if wants_page():
        page = _PAGE.format(
            title=escape(title or f"{status} {HTTPStatus(status).phrase}"),
            message=escape(message),
            link=_HOME if link_home else "",
        )
        response = Response(page, status, content_type="text/html; charset=utf-8")
    else:
        told = {"kind": kind, "facts": dict(facts or {})} if kind else {}
        body = json.dumps({"error": {"status": status, "message": message, **told}}) + "\n"
        response = Response(body, status, content_type="application/json")
    response.headers["Cache-Control"] = NEVER_STORE
    return response


def wants_page() -> bool:
    """True for a browser's navigation: it names text/html, while fetch() and curl send */*."""
    return "text/html" in request.headers.get("Accept", "").lower()
