"""What the library tells people, by kind, with the facts of each in braces.

Pages in another language word the same kinds and facts (`web/src/text/de/server.ts`; a test holds the two together).
"""

from __future__ import annotations

Fact = str | int

SENTENCES: dict[str, str] = {
    # Adding by an address
    "no-address": "{url} is no address ({said}). Give one that starts with https://.",
    "not-https": "Models are fetched over https (from this machine also over http), without a user's name: not from {url}.",
    "too-large": "{url} is larger than any description of a model. Check the address.",
    "no-text": "{url} is not a text. Check the address.",
    "not-json": "{url} is not JSON. Check the address.",
    "private": "{url} asks for permission (HTTP {status}): the model is private, or its licence must be accepted first. "
    "Download it yourself and add the folder.",
    "nothing-there": "There is nothing at {url}. Check the spelling.",
    "refused": "{url} was refused (HTTP {status}). Try again later.",
    "unreachable": "{host} could not be reached ({said}). Check the address and the network, then try again.",
    "not-on-hub": "The hub at {hub} has no model {ref} with the revision {revision}. Check the spelling.",
    "no-list": "{url} does not list files. Try again later.",
    "too-many-files": "{url} lists too many files for a model. Choose another repository.",
    "escaping-file": "The repository lists a file called {path}, which would leave its folder. Nothing of it is used.",
    "no-model-there": "There is no model at {url}: no manifest.json was found. Give the address of an exported bundle's folder, "
    "or the id of a repository on the hub (owner/name).",
    "no-graph": "{source} has no ONNX graph under a usual name (onnx/model….onnx). Choose an ONNX repository.",
    "manifest-not-json": "The manifest.json at {url} is not JSON. Check the address.",
    "lacks-file": "{source} has no {path}, which a browser needs to run it. Choose a repository for transformers.js.",
    "needs-export": "Models of the kind {kind_of_model} need a bundle of our exporter: slm-export model SOURCE --out DIR.",
    "list-damaged": "{path}: the list of files is damaged ({said}). Add the model again.",
    "list-odd": "{path}: the list of files names no graph, or odd paths. Add the model again.",
    "other-variants": "{model} has these variants: {names}.",
    # Downloads
    "model-exists": "There is a model called {id} already. Delete it first, then add this one.",
    "no-origin": "SLM Playground did not download this model and so does not know where its files are. Export or copy it again.",
    "downloading": "{model} is being downloaded already.",
    "other-files": "Some of these files do not belong to this model.",
    "no-download": "There is no such download any more. It may have ended: look at the list of models.",
    "no-room": "{model} takes {needed_mb} MB, and the disk of the models folder has {free_mb} MB left. "
    "Delete models that you do not need, or free disk space.",
    "damaged": "{path} {said} Nothing of it was kept. Try again later.",
    "broke-often": "The connection broke {times} times at the same place of {path}. Try again later.",
    "folder-not-written": "The models folder cannot be written ({said}). Free disk space or fix its rights, then go on.",
    "not-written": "{path} could not be written ({said}). Free disk space, then go on.",
    # Own files
    "file-count": "A model has between one and {most} files; these are {found}. Choose the folder of one model.",
    "unsafe-file": "A file is called {path}, which cannot be stored safely. Rename it.",
    "no-room-for-files": "The disk of the models folder has {free_mb} MB left, {needed_mb} MB are needed. Free some.",
    "not-begun": "This upload was not begun. Add the files again.",
    "piece-missing": "A piece before this one is missing. Add the files again.",
    "upload-not-written": "{path} cannot be written ({said}). Free disk space, then try again.",
    "bad-name": "{id} cannot be the name of a model. Use small letters, digits, dots and dashes.",
    "bad-manifest": "{said}",
    "file-differs": "{path} is missing or not as manifest.json lists it. Add the whole folder again.",
    "no-model-files": "These files hold neither a manifest.json (an exported bundle) nor an ONNX graph under a usual name "
    "(onnx/model….onnx). Choose the folder of one model.",
    "description-not-json": "A description in the folder is not JSON ({said}). Choose the folder of one model.",
    # Models that are here
    "in-use": "{path} cannot be deleted ({said}). Close what uses it, then try again.",
    "not-in-trash": "That model cannot be brought back any more: its files are gone. Add it again.",
    "no-model": "There is no model of that name. GET /api/models lists what there is.",
}
