"""What the data folder's routes tell people, by kind, with the facts of each in braces.

As in `library/sentences.py`: pages in another language word the same kinds and facts, and a test holds them together.
"""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # The folder
    "data-moving": "The data folder is being moved. Wait until that is done, then try again.",
    "data-downloads": "A model is being downloaded. Pause or cancel that first, on the models page.",
    "data-not-deleted": "{path} cannot be deleted ({said}). Close what uses it, then try again.",
    "no-file-manager": "There is no file manager here to open {folder} in. Go there yourself.",
    # Where it is to be moved
    "move-running": "The data folder is being moved already. Wait until that is done, or stop it.",
    "move-no-path": "Give the whole path of the new folder, from the root of the disk on.",
    "move-done-elsewhere": "Another server has moved the folder already. Start this one again.",
    "move-nested": "{target} and {folder} lie in one another. Choose a folder of its own.",
    "move-to-file": "{target} is a file. Choose a folder.",
    "move-not-read": "{target} cannot be read ({said}). Choose another folder.",
    "move-taken": "{target} has {names} already, perhaps of an older data folder. Choose an empty one.",
    "move-not-written": "{target} cannot be written ({said}). Choose another folder.",
    "move-no-room": "The data folder has {needed_mb} MB, the disk of {target} has {free_mb} MB left. Free some space.",
    # How a move ended
    "move-differs": "{path} cannot be read back as it was written. Nothing was changed: everything is still in {folder}.",
    "move-changed": "Files changed while they were copied: a download, another server. "
    "Nothing was changed: everything is still in {folder}.",
    "move-link": "{path} is a link to another place. Put the files there in its place, then try again. "
    "Nothing was changed: everything is still in {folder}.",
    "move-failed": "{said}. Nothing was changed: everything is still in {folder}.",
    "move-by-another": "Another server has moved the folder meanwhile. Reload the page.",
    "move-leftover": "{path} of the old folder is left ({said}). The next start tries again to delete it.",
    "move-now": "The data folder is just being moved. Try again in a moment.",
    # The copy of chats and documents
    "copy-off": "The copy on this machine is switched off. Switch it on in the settings.",
    "copy-no-room": "There is no room to keep chats in {folder}: the disk is full, or the file has reached its limit. "
    "Free some space; what was not kept here is kept in the browser and comes later.",
    "copy-in-use": "{path} is in use by another program. Try again in a moment.",
    "copy-newer": "{path} was written by a newer version of SLM Playground. Update this one; "
    "until then chats stay in the browser.",
    "copy-not-written": "Chats cannot be kept in {folder} ({said}). Give yourself the right to write there, "
    "or move the data folder; until then chats stay in the browser.",
}
