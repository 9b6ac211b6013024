"""Hugging Face repositories: which files of one are needed, fetching them, and checking what has arrived.

huggingface_hub transfers (and continues what broke off); sizes and digests are checked here once more, from the disk.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from slm_export.config_file import read_config
from slm_export.download import sha256_of
from slm_export.errors import SourceError
from slm_export.families import DECODERS, ENCODERS, architecture_of, require_supported
from slm_export.progress import Reporter

SMALL_FILES = ("*.json", "*.jinja", "*.txt", "tokenizer.model", "spiece.model", "README.md", "LICENSE*", "LICENCE*")
SAFETENSORS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")
PICKLES = re.compile(r"pytorch_model(-\d{5}-of-\d{5})?\.bin")
_CHECKPOINT_OF_ITS_OWN = ("onnx", "openvino", "original", "coreml", "gguf")  # folders with other forms of the same model
_METADATA = Path(".cache") / "huggingface" / "download"  # huggingface_hub's notes on what it has fetched


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository. `sha256` where it is stored by LFS (all large files), else git's `blob_id` (SHA-1)."""

    name: str
    size_bytes: int | None
    sha256: str | None
    blob_id: str | None


def require_safe_name(name: str, where: str) -> None:
    """Refuse a file name that could lead out of the folder it is written to.

    Raises: SourceError naming it.
    """
    parts = PurePosixPath(name).parts
    odd = "\\" in name or ":" in name or any(ord(character) < 32 for character in name)
    if not parts or name.startswith("/") or ".." in parts or odd:
        raise SourceError(
            f"{where} lists a file called {name!r}, which would be written outside of the download folder. "
            "Nothing of it is used: such a name is an attack or a broken repository. Choose another source."
        )


def choose_weights(names: Sequence[str], where: str, *, allow_pickle: bool) -> list[str]:
    """The weight files among `names` (of one folder, without subfolders): safetensors, or pickles where that is allowed.

    Raises: SourceError saying what there is instead.
    """
    tensors = _one_form([name for name in names if SAFETENSORS.fullmatch(name)], "model.safetensors.index.json" in names)
    if tensors:
        return tensors
    pickles = _one_form([name for name in names if PICKLES.fullmatch(name)], "pytorch_model.bin.index.json" in names)
    if pickles and allow_pickle:
        return pickles
    if "adapter_config.json" in names:
        raise SourceError(f"{where} is a LoRA adapter, not a model. Give its base model as SOURCE and this one as --adapter.")
    found = ", ".join(pickles or [name for name in names if name.endswith((".bin", ".pt", ".pth"))])
    if found:
        raise SourceError(
            f"{where} has no *.safetensors weights (only pickle weights: {found}; loading them may run code of strangers). "
            "Convert the checkpoint to safetensors first, or, if you trust its author, say --allow-pickle: pytorch_model*.bin "
            "is then read with torch.load(weights_only=True)."
        )
    ggufs = ", ".join(name for name in names if name.endswith(".gguf"))
    hint = f" It has GGUF files ({ggufs}): download one of them and give that file." if ggufs else ""
    raise SourceError(f"{where} has no *.safetensors weights.{hint or ' Choose a repository or folder that holds weights.'}")


def _one_form(names: list[str], is_sharded: bool) -> list[str]:
    """Either the shards or the single file: some repositories hold both."""
    shards = [name for name in names if "-of-" in name]
    return sorted(shards) if is_sharded and shards else sorted(set(names) - set(shards)) or sorted(shards)


def download(ref: str, revision: str | None, target: Path, reporter: Reporter, *, allow_pickle: bool) -> str:
    """Fetch what an export needs of the repository `ref` into `target`; returns the commit's SHA-1.

    Raises: SourceError for a repository that is missing, private, gated or unsafe, no network, a full disk, wrong bytes.
    """
    from huggingface_hub.errors import HFValidationError
    from requests.exceptions import RequestException

    try:
        commit, wanted = list_files(ref, revision, allow_pickle=allow_pickle)
        _require_space(target, wanted)
        first = [file for file in wanted if file.name == "config.json"]
        _fetch_all(ref, commit, first, target, reporter)
        _require_supported(target)
        _fetch_all(ref, commit, [file for file in wanted if file not in first], target, reporter)
        _remove_others(target, wanted)
    except (OSError, RequestException, HFValidationError) as error:  # HfHubHTTPError is both of the first two
        raise explained(error, ref, revision, target) from error
    return commit


def list_files(ref: str, revision: str | None, *, allow_pickle: bool) -> tuple[str, list[HubFile]]:
    """The commit's SHA-1 and the files of the repository `ref` that an export needs.

    Raises: SourceError for unsafe names or no weights, and what huggingface_hub raises (see `explained`).
    """
    from huggingface_hub import HfApi

    info = HfApi(endpoint=endpoint()).model_info(ref, revision=revision, files_metadata=True)
    files = [_hub_file(sibling) for sibling in info.siblings or []]
    for file in files:
        require_safe_name(file.name, ref)
    return str(info.sha), _wanted(ref, files, allow_pickle=allow_pickle)


def endpoint() -> str | None:
    """A mirror of the hub, or None for the hub itself."""
    return os.environ.get("HF_ENDPOINT") or None


def _hub_file(sibling: Any) -> HubFile:
    lfs = sibling.lfs
    return HubFile(sibling.rfilename, sibling.size, lfs.sha256 if lfs else None, None if lfs else sibling.blob_id)


def _wanted(ref: str, files: Sequence[HubFile], *, allow_pickle: bool) -> list[HubFile]:
    weights = set(choose_weights([file.name for file in files if "/" not in file.name], ref, allow_pickle=allow_pickle))
    return [
        file
        for file in files
        if file.name in weights
        or (
            any(fnmatch(file.name.rsplit("/", 1)[-1], pattern) for pattern in SMALL_FILES)
            and file.name != "adapter_config.json"  # transformers would take the model for that adapter's
            and file.name.split("/", 1)[0] not in _CHECKPOINT_OF_ITS_OWN
        )
    ]


def _require_supported(target: Path) -> None:
    """Look at config.json before gigabytes are fetched."""
    if not (target / "config.json").is_file():
        return  # said with the folder's own message
    raw = read_config(target)
    refuse_remote_code(raw, target.name.replace("--", "/", 1))
    require_supported(raw)


def refuse_remote_code(raw_config: dict[str, Any], where: str) -> None:
    """Explain that a model whose class is defined by code in its own repository is not run.

    Raises: SourceError where config.json names such code and we know the architecture by no other way.
    """
    architecture, code = architecture_of(raw_config), raw_config.get("auto_map")
    if isinstance(code, dict) and code and architecture not in DECODERS | ENCODERS:
        raise SourceError(
            f"{where} needs code from its own repository ({', '.join(sorted(map(str, code.values())))}) to define "
            f"{architecture or 'its architecture'}. The exporter never runs such code. Look for a version of the model that "
            "transformers knows (often named …-hf), or choose a model of a supported family (docs/families.md)."
        )


def _fetch_all(ref: str, commit: str, files: Sequence[HubFile], target: Path, reporter: Reporter) -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import disable_progress_bars, enable_progress_bars

    has_own_bars = reporter.console.is_terminal and not reporter.quiet  # huggingface_hub's: one a file, with its bytes
    (enable_progress_bars if has_own_bars else disable_progress_bars)()
    total_bytes = sum(file.size_bytes or 0 for file in files)
    with nullcontext(_no_advance) if has_own_bars else reporter.transfer(f"Downloading {ref}", total_bytes) as advance:
        for file in files:
            hf_hub_download(ref, file.name, revision=commit, local_dir=target, endpoint=endpoint())
            _require_intact(file, target, ref)
            advance(file.size_bytes or 0)


def _remove_others(target: Path, files: Sequence[HubFile]) -> None:
    """Files of another revision, fetched before: a template that is no longer there must not be used."""
    kept = {target / file.name for file in files}
    for path in target.rglob("*"):
        if path.is_file() and path not in kept and ".cache" not in path.relative_to(target).parts:
            path.unlink()


def _no_advance(count: int) -> None:
    pass


def _require_intact(file: HubFile, target: Path, ref: str) -> None:
    """Compare size and digest with those that the hub states; wrong files are removed."""
    path = target / file.name
    size_bytes = path.stat().st_size
    expected = file.sha256 or file.blob_id
    found = expected and (sha256_of(path) if file.sha256 else _git_blob_id(path))
    if found == expected and file.size_bytes in (None, size_bytes):
        return
    path.unlink()
    (target / _METADATA / f"{file.name}.metadata").unlink(missing_ok=True)
    raise SourceError(
        f"{file.name} of {ref} arrived damaged or is another file: {size_bytes:,} bytes with digest {found}, expected "
        f"{file.size_bytes or size_bytes:,} bytes with {expected}. It was removed; run the same command again. "
        "If it happens twice, a proxy may be changing downloads."
    )


def _git_blob_id(path: Path) -> str:
    """SHA-1 as git computes it of a small file."""
    body = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def _require_space(target: Path, files: Sequence[HubFile]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    missing = [file for file in files if not (target / file.name).exists()]
    needed_bytes, free_bytes = sum(file.size_bytes or 0 for file in missing), shutil.disk_usage(target).free
    if free_bytes < needed_bytes:
        raise SourceError(
            f"The download needs {needed_bytes / 1e9:.2f} GB in {target}, but only {free_bytes / 1e9:.2f} GB are free. "
            "Free some space, or choose another folder with --downloads."
        )


def explained(error: Exception, ref: str, revision: str | None, target: Path) -> SourceError:
    """What a user can do about an error of huggingface_hub, requests or the system while `ref` was read."""
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    page = f"https://huggingface.co/{ref}"
    status = getattr(getattr(error, "response", None), "status_code", None)
    token = "set HF_TOKEN to a token of that account (https://huggingface.co/settings/tokens), or run `hf auth login`"
    if isinstance(error, GatedRepoError):
        return SourceError(f"{ref} is gated: accept its terms at {page}, then {token}.")
    if isinstance(error, RevisionNotFoundError):
        return SourceError(f"{ref} has no revision {revision!r}. See its branches, tags and commits at {page}/commits/main.")
    if isinstance(error, RepositoryNotFoundError):
        return SourceError(
            f"{ref} was not found on Hugging Face, or is private: see {page}. "
            f"If you may read it, {token}; else check the spelling."
        )
    if status in (401, 403):
        return SourceError(f"Hugging Face refuses access to {ref} ({status}). See {page}, then {token}.")
    if isinstance(error, OSError) and error.errno == 28 and not isinstance(error, HfHubHTTPError):
        return SourceError(f"The disk of {target} is full. Free some space; the same command then continues the download.")
    return SourceError(
        f"{ref} could not be downloaded: {error}\nRun the same command again to continue: what has arrived is kept in {target}. "
        f"Without network: get the repository's files on another machine ({page}) and give their folder instead of the id."
    )
