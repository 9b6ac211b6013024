"""The model card (README.md) of a bundle."""

from __future__ import annotations

from slm_export.manifest import Manifest


def model_card(manifest: Manifest) -> str:
    """Markdown: what the model is, where it comes from, how close each variant is to the original."""
    source = manifest.source
    revision = f" ({source.revision})" if source.revision else ""
    rows = "\n".join(
        f"| {variant.name} | {sum(entry.size_bytes for entry in variant.files) / 1e6:.1f} MB | {variant.bits_per_weight:.2f} "
        f"| {variant.fidelity.perplexity_ratio:.4f} | {variant.fidelity.top1_agreement:.2%} | {variant.fidelity.mean_kl:.4f} "
        f"| {variant.fidelity.greedy_prompts_equal} of {variant.fidelity.greedy_prompts} |"
        for variant in manifest.variants
    )
    compared = manifest.variants[0].fidelity.tokens_compared
    return f"""---
license: {manifest.licence.id.lower()}
tags: [slm-playground, onnx]
---
# {manifest.name}

{manifest.description}

{manifest.parameters / 1e6:.1f} million parameters, {manifest.family} architecture, context of {manifest.context_length:,} tokens.
Licence: {manifest.licence.id} (see LICENSE). Made by `slm-export` from {source.kind} {source.ref}{revision}.

## Fidelity

Every variant was compared with the PyTorch float32 original on {compared:,} tokens of prose.

| variant | size | bits per weight | perplexity ratio | same top token | mean KL (nats) | same greedy answers |
| --- | --- | --- | --- | --- | --- | --- |
{rows}
"""
