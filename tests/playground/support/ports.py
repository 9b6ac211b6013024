"""Ports that stay free while a test needs them to: others run beside it, and take any that nobody has."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_port() -> Iterator[int]:
    """A free port that is still free when a server on it is started, or started again.

    Bound here too, but nobody listens: Linux gives it to no other program meanwhile, and lets the server have it
    (SO_REUSEADDR on both). Elsewhere it is only likely to stay free.
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        port: int = keeper.getsockname()[1]
        if sys.platform != "linux":
            keeper.close()
        yield port
