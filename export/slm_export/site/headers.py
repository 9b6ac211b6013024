"""HTTP headers of a site, for each way that hosts take them, and the CSP of its pages.

`_headers` is what Netlify and Cloudflare Pages read; a Hugging Face Space takes three headers out of its README's front matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

ISOLATION = {
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_IMMUTABLE = "public, max-age=31536000, immutable"
_FOREVER = ("/assets/*",)  # names with a hash of the content
Rules = list[tuple[str, dict[str, str]]]


def content_security_policy(hubs: Iterable[str] = ()) -> str:
    """For the page's meta tag: nothing but the site itself, and the hubs that hold its weights.

    The Hugging Face hub sends large files from its storage's addresses, to which it redirects.
    """
    origins = {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, hubs)}
    if "https://huggingface.co" in origins:
        origins |= {"https://*.huggingface.co", "https://*.hf.co"}
    policy = {
        "default-src": "'none'",
        "script-src": "'self' 'wasm-unsafe-eval'",
        "worker-src": "'self' blob:",
        "connect-src": " ".join(["'self'", *sorted(origins)]),
        "img-src": "'self' data: blob:",
        "style-src": "'self'",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "object-src": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def rules(policy: str, *, is_isolated: bool) -> Rules:
    """Path pattern → headers. A worker has no meta tag, so the policy is a header too where the host can send it."""
    everywhere = {
        "Access-Control-Allow-Origin": "*",  # all of it is public, and <slm-chat> may stand in a page of another origin
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        **(ISOLATION if is_isolated else {}),
    }
    return [("/*", everywhere), *((pattern, {"Cache-Control": _IMMUTABLE}) for pattern in _FOREVER)]


def headers_file(listed: Rules) -> str:
    """The text of `_headers`."""
    blocks = (pattern + "\n" + "".join(f"  {name}: {value}\n" for name, value in values.items()) for pattern, values in listed)
    return "".join(blocks)


def parse_headers_file(text: str) -> Rules:
    """The rules of a `_headers` file; lines that are no rule are skipped, as hosts do."""
    found: Rules = []
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if not line[0].isspace():
            found.append((stripped, {}))
        elif found and ":" in stripped:
            name, _, value = stripped.partition(":")
            found[-1][1][name.strip()] = value.strip()
    return found


def space_headers(readme: str) -> dict[str, str]:
    """`custom_headers` of a README's front matter, as a Hugging Face Space reads them."""
    block = re.search(r"\A---\n(.*?)\n---\n", readme, re.DOTALL)
    custom = re.search(r"^custom_headers:\n((?:  .+\n?)+)", block[1], re.MULTILINE) if block else None
    pairs = (line.strip().partition(":") for line in custom[1].splitlines()) if custom else ()
    return {name.strip(): value.strip() for name, _, value in pairs}


def headers_for(path: str, listed: Rules) -> Mapping[str, str]:
    """What a host sends for `path` (with a slash at its start): of all rules that match, the later ones last."""
    result: dict[str, str] = {}
    for pattern, values in listed:
        if re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), path):
            result.update(values)
    return result
