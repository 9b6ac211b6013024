"""Serve and show: the local web server, the desktop window and their command line. Never imports torch."""


def __getattr__(name: str) -> str:
    # Reading it imports much (zipfile, email), and a second start of the app, which has to be quick, never needs it.
    if name == "__version__":
        from importlib.metadata import version

        return version("slm-playground")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
