"""What float PyTorch says of a text, token by token, for tests/bench/cpu_fidelity.mjs:

    python tests/bench/cpu_fidelity.py SOURCE OUT.json [--tokens 6144]

The text is the exporter's prose, then this repository's guides, in windows of 512 tokens. OUT.json has per window its
`tokens`, and after each of them the most likely token (`best`) and the loss of the token that follows (`losses`, nats).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from slm_export import checkpoint as checkpoints
from slm_export.original import WINDOW_TOKENS, prose
from slm_export.progress import Reporter
from slm_export.sources import resolve

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ("README.md", "CONTRIBUTING.md", "docs/exporter.md", "docs/families.md", "docs/cpu-backend.md")


def text() -> str:
    """Prose of two kinds: a story, and what this project writes of itself."""
    return "\n\n".join([prose(), *((ROOT / guide).read_text(encoding="utf-8") for guide in GUIDES if (ROOT / guide).exists())])


@torch.inference_mode()
def window_answer(model: Any, tokens: list[int]) -> dict[str, Any]:
    logits = model(torch.tensor([tokens]), use_cache=False).logits[0]
    losses = torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(tokens[1:]), reduction="none")
    return {"tokens": tokens, "best": logits.argmax(dim=1).tolist(), "losses": losses.tolist()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("out", type=Path)
    parser.add_argument("--tokens", type=int, default=6144)
    options = parser.parse_args()
    reporter = Reporter()
    with tempfile.TemporaryDirectory() as folder:
        origin = resolve(options.source, downloads=Path(folder), revision=None, reporter=reporter)
        checkpoint = checkpoints.load(origin, Path(folder) / "float32")
        tokens = checkpoint.tokenizer(text())["input_ids"][: options.tokens]
        model = checkpoint.load_model()
        windows = []
        for start in range(0, len(tokens) - 1, WINDOW_TOKENS):
            reporter.say(f"{start:,} of {len(tokens):,} tokens")
            windows.append(window_answer(model, tokens[start : start + WINDOW_TOKENS]))
    options.out.write_text(json.dumps({"source": options.source, "windows": windows}), encoding="utf-8")


if __name__ == "__main__":
    main()
