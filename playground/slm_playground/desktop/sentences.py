"""What the app tells people that it cannot do, by kind, with the facts of each in braces.

As in `library/sentences.py`: pages in another language word the same kinds and facts, and a test holds them together.
"""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # What it was asked to open
    "no-page-address": "{address} is no address of the app. Addresses are slm:// and the name of a page: slm://models",
    "no-folder-there": "{path} is not there. Give the folder of a model, or an address such as slm://models.",
    # Tray icon and shortcut
    "bad-keys": "{keys} cannot be used. Give Ctrl, Alt or Super, and one letter, digit, F1 to F12, Space or arrow with it: "
    "Ctrl+Alt+Space.",
    "choices-not-kept": "{folder} cannot be written ({said}), so this would be forgotten. Free disk space or fix its rights, "
    "then try again.",
    # A newer version
    "update-no-address": "This copy of the app names no address that knows its newest version. Ask where you got it from.",
    "update-not-https": "New versions are looked for over https only, and so not at {url}. Tell whoever packed this app.",
    "update-unreachable": "{host} could not be reached ({said}). Check the network, then try again.",
    "update-slow": "{host} did not answer within {seconds} seconds. Try again later.",
    "update-refused": "{host} does not say it now (HTTP {status}): it may have been asked too often from this network. Try again "
    "later.",
    "update-none": "{url} knows of no version (HTTP 404). Nothing was published there yet, or it has moved: ask where you got "
    "the app from.",
    "update-unclear": "What {host} answered names no version. It may be a network's sign-in page: open a web site, then try "
    "again.",
}
