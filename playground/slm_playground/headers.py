"""The headers that every response carries, errors included, and the one of writes. Knows nothing of routes or files.

Cross-origin isolation (COOP + COEP) is what gives the page SharedArrayBuffer and so WASM threads.
"""

from __future__ import annotations

# Of requests: what a write must bring (guard.py).
TOKEN_HEADER = "X-SLM-Token"

# No remote origin at all: the runtime's WASM and the models come from here. ONNX Runtime needs 'wasm-unsafe-eval', but no
# blob: in script-src; workers may be made from a blob. Inline style attributes are blocked on purpose: use element.style.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        "style-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)

SECURITY_HEADERS: dict[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

# Names are reused for new content, so a copy may be kept but must be checked (the ETag makes that a 304 without a body).
REVALIDATE = "no-cache"
# Only for names that contain a hash of the content or a version.
IMMUTABLE = "public, max-age=31536000, immutable"
# Answers that describe this moment only: errors and the API.
NEVER_STORE = "no-store"
