"""The desktop app: one server, one window, one instance. `command.start` is the whole of it; the server knows `routes` only."""
