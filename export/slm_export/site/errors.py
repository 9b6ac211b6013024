"""What can go wrong with a site."""

from __future__ import annotations

from slm_export.errors import SlmError


class SiteError(SlmError):
    """A site cannot be written, served or read; the message says why and what to do."""
