"""Which kind of model a checkpoint is and what can be asked of it: told from its config.json, without PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

from slm_export.config_file import read_config
from slm_export.errors import ExportError
from slm_export.families import ENCODERS, architecture_of
from slm_export.sources import Origin
from slm_export.variant_recipes import CPU_VARIANTS, DEFAULT_VARIANTS


def is_decoder(origin: Origin) -> bool:
    """False where the checkpoint is an encoder or an encoder-decoder."""
    return origin.is_gguf or architecture_of(read_config(origin.path)) not in ENCODERS


def variants_for(origin: Origin, names: Sequence[str]) -> tuple[str, ...]:
    """The variants to make of `names`: all of them, or, where they are the default ones, those that this kind has.

    Raises: ExportError where a variant is asked for that this kind of model does not have.
    """
    if is_decoder(origin):
        return tuple(names)
    return encoder_variants(names, origin.name, architecture_of(read_config(origin.path)))


def encoder_variants(names: Sequence[str], name: str, architecture: str) -> tuple[str, ...]:
    """`variants_for` of an encoder or encoder-decoder called `name`.

    Raises: as `variants_for`.
    """
    if tuple(names) == DEFAULT_VARIANTS:
        return tuple(each for each in names if each in CPU_VARIANTS)
    unknown = [each for each in names if each not in CPU_VARIANTS]
    if unknown:
        raise ExportError(
            f"{name} is a {architecture}, which is exported as {' or '.join(CPU_VARIANTS)}, "
            f"not as {', '.join(unknown)}. Leave --variants out, or ask for one of those."
        )
    return tuple(names)


def refuse_chat_options(origin: Origin) -> None:
    """Raises: ExportError where an option was given that only decoder language models have."""
    options = origin.options
    if options.adapter or options.chat_template or options.task:
        raise ExportError(
            f"{origin.name} is no decoder language model: --adapter, --chat-template and --task do not apply to it. "
            "Leave them out."
        )
