"""A plan into a folder, all of it or nothing: written beside its place, then renamed into it."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

from slm_export.manifest import MANIFEST_NAME, to_json
from slm_export.output_lock import output_lock
from slm_export.progress import Reporter
from slm_export.site.content import SITE_JSON
from slm_export.site.errors import SiteError
from slm_export.site.plan import SitePlan
from slm_export.site.split import Advance, copy_bundle

SUMS = "SHA256SUMS"  # every other file of the site, in the format of sha256sum; also what tells a site of ours from other folders


def require_replaceable(out: Path) -> bool:
    """True where `out` holds a site that this program wrote, False where nothing is there.

    Raises: SiteError for anything else, which is never overwritten.
    """
    if Path.cwd().is_relative_to(out.resolve()):
        raise SiteError(f"{out} is the folder that this command runs in: run it from elsewhere, or choose another --out.")
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise SiteError(f"{out} is no folder of its own: choose another --out.")
    if not out.exists() or not any(out.iterdir()):
        return False
    if not ((out / SUMS).is_file() and (out / SITE_JSON).is_file()):
        raise SiteError(
            f"{out} holds files that are no site of slm-export, so it is not overwritten. Choose an empty folder, or remove it."
        )
    sums = read_sums(out)
    tops = {name.split("/")[0] for name in sums} | {SUMS}
    files = (path for top in sorted(tops) for path in ([out / top] if (out / top).is_file() else (out / top).rglob("*")))
    strange = [path for path in files if not path.is_dir() and path.relative_to(out).as_posix() not in (*sums, SUMS)]
    if strange:
        raise SiteError(f"{strange[0]} is not slm-export's and would be lost. Move it away, or choose another --out.")
    return True


def write_site(plan: SitePlan, out: Path, reporter: Reporter) -> None:
    """Write the site to `out`. Of an older site there only its own files go away: `.git` or `CNAME` stay.

    Raises: SiteError (a bundle that is damaged, a folder that is not ours), OSError; `out` is then as it was.
    """
    _require_apart(plan, out)
    require_replaceable(out)
    with output_lock(out):
        part = out.with_name(f".{out.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            with reporter.transfer(f"Writing {out}", plan.model_bytes) as advance:
                _fill(part, plan, advance)
            _install(part, out)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


def _require_apart(plan: SitePlan, out: Path) -> None:
    place = out.resolve()
    for folder in (plan.build.folder.resolve(), *(model.folder.resolve() for model in plan.content.models)):
        if place == folder or place.is_relative_to(folder) or folder.is_relative_to(place):
            raise SiteError(f"--out {out} and {folder} lie in one another: choose a folder apart from what goes into the site.")


def _fill(part: Path, plan: SitePlan, advance: Advance) -> None:
    sums = {name: digest.hex() for name, digest in plan.copied.items()}
    for name in plan.copied:
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(plan.build.folder / name, part / name)
    for name, text in plan.made.items():
        sums[name] = _write(part / name, text)
    for model in plan.content.models:
        if model.hub:
            continue
        folder = part / model.place
        manifest = copy_bundle(model.folder, model.manifest, folder, plan.max_file_bytes, advance)
        for entry in manifest.all_files():
            sums |= {model.place + piece.path: piece.sha256 for piece in entry.parts or (entry,)}
        sums[model.place + MANIFEST_NAME] = _write(folder / MANIFEST_NAME, to_json(manifest).encode())
    (part / SUMS).write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), encoding="utf-8", newline="\n")


def _write(path: Path, content: bytes) -> str:
    """Gives the content's SHA-256. A file that is there already is an error: no two things may have one name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()


def read_sums(site: Path) -> dict[str, str]:
    """Path → SHA-256 of a site's own files; empty where it has no SHA256SUMS.

    Raises: SiteError for a file of another format.
    """
    if not (site / SUMS).is_file():
        return {}
    return parse_sums((site / SUMS).read_text(encoding="utf-8", errors="replace"), str(site / SUMS))


def parse_sums(text: str, where: str) -> dict[str, str]:
    """Path → SHA-256, out of the lines of sha256sum.

    Raises: SiteError naming `where`.
    """
    pairs = [line.partition("  ") for line in text.splitlines()]
    if not all(re.fullmatch(r"[0-9a-f]{64}", digest) and name for digest, _, name in pairs):
        raise SiteError(f"{where} is damaged: write the site again.")
    return {name: digest for digest, _, name in pairs}


def _install(part: Path, out: Path) -> None:
    """The new site in the place of the old one; what else lies there goes along."""
    if not out.exists():
        part.replace(out)
        return
    own = {name.split("/")[0] for name in read_sums(out)} | {SUMS}
    others = [path for path in out.iterdir() if path.name not in own]
    taken = [path.name for path in others if (part / path.name).exists()]
    if taken:
        raise SiteError(f"{out} has a {taken[0]} that is not slm-export's, and the site needs that name. Move it away.")
    old = out.with_name(f".{out.name}.old")
    if old.exists():
        raise SiteError(f"{old} is left from a run that was cut off. Move what you need out of it (.git, say), then remove it.")
    out.replace(old)
    try:
        part.replace(out)
    except BaseException:
        old.replace(out)
        raise
    for path in others:
        (old / path.name).replace(out / path.name)
    shutil.rmtree(old, ignore_errors=True)
