"""Serve and show: the local web server, the desktop window and their command line. Never imports torch."""

from importlib.metadata import version

__version__ = version("slm-playground")
