"""States of the page that are seen rarely, made as they come about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Playwright
from serving import CHROMIUM, PATIENCE_MS, QUIET

# Chromium's own setting "block all cookies and site data": storage of every kind is refused with a SecurityError.
_BLOCKED = {"profile": {"default_content_setting_values": {"cookies": 2}}}


def rewrite(path: Path, content: bytes) -> None:
    """Replace a file; the bundle may be hard-linked to the one that every test uses, so never write into it."""
    path.unlink()
    path.write_bytes(content)


def flip(bundle: Path) -> None:
    """One bit of the weights is another one."""
    path = bundle / "cpu-int8" / "model.onnx.data"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    rewrite(path, bytes(content))


@contextmanager
def storage_blocked(playwright: Playwright, profile: Path) -> Iterator[BrowserContext]:
    """A browser whose user lets pages store nothing."""
    preferences = profile / "Default" / "Preferences"
    preferences.parent.mkdir(parents=True)
    preferences.write_text(json.dumps(_BLOCKED), encoding="utf-8")
    context = playwright.chromium.launch_persistent_context(profile, executable_path=CHROMIUM, args=QUIET, timeout=PATIENCE_MS)
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield context
    finally:
        context.close()


def empty_pdf(path: Path, *, locked: bool = False) -> Path:
    """A PDF of one page without text, as scanners make it; `locked`: with a password that nobody has typed."""
    parts = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>"]
    parts.append("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<<>>>>")
    # The standard handler, revision 2: with keys that no password gives, as a wrong one.
    parts += [f"<</Filter/Standard/V 1/R 2/O<{'00' * 32}>/U<{'11' * 32}>/P -4>>"] if locked else []
    text, places = "%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(text))
        text += f"{number} 0 obj{part}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    security = f"/Encrypt {len(parts)} 0 R/ID[<{'22' * 16}><{'22' * 16}>]" if locked else ""
    trailer = f"trailer<</Size {len(parts) + 1}/Root 1 0 R{security}>>\nstartxref\n{len(text)}\n%%EOF"
    path.write_text(f"{text}xref\n0 {len(parts) + 1}\n0000000000 65535 f \n{table}{trailer}", encoding="ascii")
    return path
