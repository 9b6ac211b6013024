"""The app's port. To a browser another port is another site with other storage, so the first port ever used is tried first."""

from __future__ import annotations

import socket

from slm_playground.listen import ListenError, open_socket


def open_remembered(remembered: int | None) -> socket.socket:
    """A listening socket: on the remembered port, else one of the server's usual ones, else any. Raises: ListenError."""
    for port in [*([remembered] if remembered else []), None]:
        try:
            return open_socket(port)
        except ListenError:
            continue
    return open_socket(0)
