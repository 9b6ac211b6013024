"""The desktop app: one server, one window, one instance. `app.run` is the whole of it; nothing else imports this package."""
