"""The server's own socket. The port is part of the browser's origin: chats saved under one port are not seen under another,
so the preferred port is kept as long as it is free, and the alternatives are few and fixed.
"""

from __future__ import annotations

import errno
import socket
import sys

LOOPBACK = "127.0.0.1"
PREFERRED_PORT = 8765
PORTS = (PREFERRED_PORT, 8766, 8767, 8768, 8769)


class ListenError(Exception):
    """No socket: the message says which port, why and which command to use instead. `free_port` can be had now."""

    def __init__(self, why: str, free_port: int) -> None:
        self.why = why
        self.free_port = free_port
        super().__init__(self.advise("slm-playground serve --port {port}"))

    def advise(self, command: str) -> str:
        """The message with another command; `{port}` in it is the free one."""
        return f"{self.why} Use another one: {command.format(port=self.free_port)}"


def open_socket(port: int | None) -> socket.socket:
    """A listening socket on loopback: exactly `port` (0: any free one), or with None the first free one of PORTS.

    Raises: ListenError.
    """
    if port is not None:
        try:
            return _listen(port)
        except OSError as error:
            raise ListenError(_why_not(port, error), _free_port()) from error
    for candidate in PORTS:
        try:
            return _listen(candidate)
        except OSError:
            continue
    raise ListenError(
        f"Ports {PORTS[0]} to {PORTS[-1]} of {LOOPBACK} are all taken (perhaps SLM Playground is already running: look at your "
        "open browser tabs).",
        _free_port(),
    )


def bound_port(listener: socket.socket) -> int:
    """The port that `listener` has."""
    port: int = listener.getsockname()[1]
    return port


def is_free(port: int) -> bool:
    """True when `port` could be taken now; it is given back at once."""
    try:
        _listen(port).close()
    except OSError:
        return False
    return True


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # On Windows SO_REUSEADDR would let another program take over our port; this forbids it.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Elsewhere it only allows a restart while old connections are still timing out.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        # Here, not later: two programs may both bind, but only one may listen.
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _why_not(port: int, error: OSError) -> str:
    if error.errno in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)):
        return f"Port {port} of {LOOPBACK} is taken by another program (or SLM Playground is already running there)."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} of {LOOPBACK} needs rights that this program does not have (ports under 1024 often do)."
    return f"Port {port} of {LOOPBACK} cannot be used ({error})."


def _free_port() -> int:
    """A port that is free now, the nearest to what people know."""
    candidates: list[int] = [*PORTS, *range(PORTS[-1] + 1, PORTS[-1] + 50)]
    for candidate in candidates:
        if is_free(candidate):
            return candidate
    with _listen(0) as listener:
        return bound_port(listener)
