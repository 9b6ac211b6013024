"""Who may ask what: Host, Origin, Sec-Fetch-Site and the token, through the whole application."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

OWN = "http://127.0.0.1:8765"
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
# With and without a route behind them: the guard comes first.
PATHS = ["/", "/slm.js", "/api/models", "/api/health", "/models/tiny/manifest.json", "/nothing/here"]


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765"])
def test_own_hosts_are_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/api/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.test:8765",  # DNS rebinding
        "127.0.0.1.evil.test:8765",
        "localhost.evil.test:8765",
        "127.0.0.1",  # no port
        "localhost",
        "127.0.0.1:8766",
        "127.0.0.1:08765",
        "127.0.0.1:8765.",
        "localhost.:8765",
        "LOCALHOST:8765",
        "[::1]:8765",
        "0.0.0.0:8765",
        "127.1:8765",
        "127.0.0.2:8765",
        "2130706433:8765",
        "user@127.0.0.1:8765",
        "127.0.0.1:8765, evil.test",
        " 127.0.0.1:8765",
        "",
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_foreign_hosts_get_421_everywhere(client: FlaskClient, host: str, path: str) -> None:
    response = client.get(path, headers={"Host": host})
    assert response.status_code == 421
    message = response.get_json()["error"]["message"]
    assert "Open http://127.0.0.1:8765/" in message
    assert "tiny" not in message


def test_foreign_host_shows_people_a_page_that_says_what_to_do(client: FlaskClient) -> None:
    response = client.get("/", headers={"Host": "<script>.test", "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert response.status_code == 421
    assert response.mimetype == "text/html"
    assert "Open http://127.0.0.1:8765/" in response.text
    assert "script" not in response.text


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.test",
        "http://127.0.0.1:3000",  # another program's page on this machine
        "https://127.0.0.1:8765",
        "http://localhost:8765",  # ours too, but not the origin of this request
        "http://127.0.0.1",
        "http://127.0.0.1:8765/",
        "HTTP://127.0.0.1:8765",
        "chrome-extension://abcdef",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_foreign_origins_get_403(client: FlaskClient, origin: str, method: str) -> None:
    assert client.open("/api/models", method=method, headers={"Origin": origin}).status_code == 403


def test_own_origin_is_the_one_of_the_host_asked(client: FlaskClient) -> None:
    assert client.get("/api/health", headers={"Origin": OWN}).status_code == 200
    local = {"Host": "localhost:8765", "Origin": "http://localhost:8765"}
    assert client.get("/api/health", headers=local).status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "anything"])
def test_requests_made_by_other_sites_get_403(client: FlaskClient, path: str, site: str) -> None:
    response = client.get(path, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"})
    assert response.status_code == 403
    assert "made by another site" in response.get_json()["error"]["message"]


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_own_requests_and_typed_addresses_pass(client: FlaskClient, site: str) -> None:
    assert client.get("/api/models", headers={"Sec-Fetch-Site": site}).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_on_another_site_opens_the_page(client: FlaskClient, site: str, method: str) -> None:
    response = client.open("/?x=1", method=method, headers={"Sec-Fetch-Site": site, **NAVIGATION})
    assert response.status_code == 200
    assert response.mimetype == "text/html"


@pytest.mark.parametrize(
    ("method", "path", "changed"),
    [
        ("GET", "/api/models", {}),
        ("GET", "/models/tiny/manifest.json", {}),
        ("GET", "/slm.js", {}),
        ("GET", "/", {"Sec-Fetch-Dest": "iframe"}),
        ("GET", "/", {"Sec-Fetch-Dest": "embed"}),
        ("GET", "/", {"Sec-Fetch-Mode": "no-cors"}),
        ("GET", "/", {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}),
        ("GET", "/", {"Origin": "http://evil.test"}),
        ("GET", "/", {"Origin": "null"}),
        ("POST", "/", {}),  # a form sent to us
    ],
)
def test_a_link_opens_nothing_but_the_page(client: FlaskClient, method: str, path: str, changed: dict[str, str]) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", **NAVIGATION, **changed}
    assert client.open(path, method=method, headers=headers).status_code == 403


@pytest.fixture
def writable(app: Flask) -> list[str]:
    """Adds a route that changes something; gives what was changed."""
    changes: list[str] = []

    @app.route("/test/write", methods=["POST", "PUT", "PATCH", "DELETE"])
    def write() -> str:
        changes.append("changed")
        return "changed"

    return changes


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        JSON,
        {"X-SLM-Token": "", **JSON},
        {"X-SLM-Token": "token-of-the-test", **JSON},
        {"X-SLM-Token": "token-of-the-tests ", **JSON},
        {"X-SLM-Token": "tökén", **JSON},
        {"Cookie": "X-SLM-Token=token-of-the-tests", **JSON},
        {"X-SLM-Token": "token-of-the-tests"},
        {"X-SLM-Token": "token-of-the-tests", "Content-Type": "text/plain"},
        {"X-SLM-Token": "token-of-the-tests", "Content-Type": "application/x-www-form-urlencoded"},
        {"X-SLM-Token": "token-of-the-tests", "Origin": "http://127.0.0.1:3000", **JSON},
        {"X-SLM-Token": "token-of-the-tests", "Sec-Fetch-Site": "same-site", **JSON},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writes_without_the_token_or_as_a_form_are_refused(
    client: FlaskClient, writable: list[str], method: str, headers: dict[str, str]
) -> None:
    assert client.open("/test/write", method=method, headers=headers).status_code == 403
    assert writable == []


def test_a_write_with_the_token_from_our_own_page_passes(client: FlaskClient, writable: list[str]) -> None:
    headers = {"X-SLM-Token": "token-of-the-tests", "Origin": OWN, "Sec-Fetch-Site": "same-origin", **JSON}
    assert client.post("/test/write", headers=headers, data="{}").status_code == 200
    assert writable == ["changed"]


@pytest.mark.parametrize("path", ["/", "/api/models", "/slm.js"])
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_methods_that_ask_about_the_server_get_405(client: FlaskClient, path: str, method: str) -> None:
    response = client.open(path, method=method)
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}
    assert "Access-Control-Allow-Origin" not in response.headers


def test_reading_routes_cannot_be_written_even_with_the_token(client: FlaskClient) -> None:
    response = client.post("/api/models", headers={"X-SLM-Token": "token-of-the-tests", **JSON})
    assert response.status_code == 405
    assert "does not take requests of that kind" in response.get_json()["error"]["message"]


def test_port_80_needs_no_port_in_the_host(app: Flask) -> None:
    from slm_playground.guard import Guard

    guard = Guard(80, "t")
    assert guard.check("GET", "/", {"Host": "localhost"}) is None
    assert guard.check("GET", "/", {"Host": "evil.test"}) is not None
