"""What the page shows of something that the app was asked to open and could not, by kind, with the facts of each in braces.

As in `library/sentences.py`: pages in another language word the same kinds and facts, and a test holds them together.
"""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "no-page-address": "{address} is no address of the app. Addresses are slm:// and the name of a page: slm://models",
    "no-folder-there": "{path} is not there. Give the folder of a model, or an address such as slm://models.",
}
