"""Which port the server gets, and what it says when it gets none."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from ports import kept_port

from slm_playground import listen
from slm_playground.listen import ListenError, bound_port, is_free, open_socket


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[socket.socket]]:
    """Two ports of this machine stand in for the fixed list; both are taken by somebody else until a test closes one."""
    with kept_port() as one, kept_port() as two:
        taken = [socket.create_server(("127.0.0.1", port)) for port in (one, two)]
        monkeypatch.setattr(listen, "PORTS", (one, two))
        yield taken
        for other in taken:
            other.close()


def test_the_first_port_of_the_list_when_it_is_free(ports: list[socket.socket]) -> None:
    for other in ports:
        other.close()
    with open_socket(None) as first, open_socket(None) as second:
        assert [bound_port(first), bound_port(second)] == list(listen.PORTS)


def test_the_next_port_of_the_list_when_the_first_is_taken(ports: list[socket.socket]) -> None:
    ports[1].close()
    with open_socket(None) as listener:
        assert bound_port(listener) == listen.PORTS[1]
        assert listener.getsockname()[0] == "127.0.0.1"


def test_all_ports_of_the_list_taken_is_an_error_that_names_a_free_one(ports: list[socket.socket]) -> None:
    with pytest.raises(ListenError, match=f"Ports {listen.PORTS[0]} to {listen.PORTS[1]} of 127.0.0.1 are all taken") as caught:
        open_socket(None)
    advice = int(str(caught.value).rpartition("slm-playground serve --port ")[2])
    assert is_free(advice)


def test_a_chosen_port_is_never_replaced(ports: list[socket.socket]) -> None:
    ports[1].close()
    with pytest.raises(ListenError, match=f"Port {listen.PORTS[0]} of 127.0.0.1 is taken") as caught:
        open_socket(listen.PORTS[0])
    assert f"slm-playground serve --port {listen.PORTS[1]}" in str(caught.value)


def test_a_port_that_only_listens_on_all_addresses_counts_as_taken() -> None:
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = other.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(ListenError, match="is taken"):
            open_socket(port)


def test_a_port_is_free_again_at_once_after_use() -> None:
    with open_socket(0) as listener:
        port = bound_port(listener)
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listener.accept()
            # The side that closes first keeps the connection in TIME_WAIT: the server, here.
            accepted.close()
            assert client.recv(1) == b""
    with open_socket(port) as again:
        assert bound_port(again) == port


def test_the_fixed_list_is_short_and_starts_with_the_documented_port() -> None:
    assert listen.PORTS == (8765, 8766, 8767, 8768, 8769)
