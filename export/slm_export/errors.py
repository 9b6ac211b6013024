"""Errors of the exporter. Messages are whole sentences: what happened, why, what to do next. Only cli.py prints them."""


class SlmError(Exception):
    """Base of everything that the user can act on."""


class SourceError(SlmError):
    """The checkpoint cannot be had or is not what it claims to be."""


class ExportError(SlmError):
    """The checkpoint cannot be turned into a bundle."""


class VerifyError(SlmError):
    """A bundle does not agree with its hashes or with the original model."""


class ExportInterrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM during an export; the message says what is kept and how to go on."""
