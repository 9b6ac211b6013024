"""Natural text as Penn Treebank tokens, the form of JFLEG's references: `do n't`, signs by themselves.

https://catalog.ldc.upenn.edu/docs/LDC99T42/tokenizer.sed describes the original; this is the part of it that written
sentences need.
"""

from __future__ import annotations

import re

_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[\u2018\u2019]", "'"),
        (r"[\u201c\u201d]", '"'),
        (r"…", "..."),
        (r"\.{3,}", " ... "),
        (r"([;@#$%&?!()\[\]{}<>\"])", r" \1 "),
        (r"([,:])(?=\D|$)", r" \1 "),
        (r"(?<=\D)([,:])", r" \1 "),
        (r"(?<!\.\.)(\.)([\])}>\"'\s]*)$", r" \1\2"),
        (r"--+", " -- "),
        (r"([^' ])('s|'m|'d|'S|'M|'D)(?=\s|$)", r"\1 \2"),
        (r"([^' ])('ll|'re|'ve|'LL|'RE|'VE)(?=\s|$)", r"\1 \2"),
        (r"([^' ])(n't|N'T)(?=\s|$)", r"\1 \2"),
        (r"([^'\s])'(?=\s|$)", r"\1 '"),
        (r"(?<!\S)'(?!(?:[sSmMdD]|ll|re|ve|LL|RE|VE)(?:\s|$))(?=\w)", "' "),
    )
)


def tokenize(text: str) -> list[str]:
    """The tokens of one sentence of natural text."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.split()
