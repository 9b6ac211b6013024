"""The model card (README.md) of an adapter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def adapter_card(facts: Mapping[str, Any]) -> str:
    """Markdown: base model, data, settings. `facts` are those of task.json; figures of the run are in training/log.jsonl."""
    labels = facts["labels"]
    rows = "\n".join(f"| {name} | {value} |" for name, value in facts["recipe"].items())
    asked = f"the words `{facts['prefix']}` and the text" if facts["prefix"] else "the text"
    answers = f" Answers: {', '.join(labels)}." if labels else ""
    return f"""---
base_model: {facts["base"]}
library_name: peft
tags: [lora, slm-playground]
---
# {facts["name"]}

A LoRA adapter for {facts["base"]}, made by `slm-export finetune`. One turn of the chat template in `chat_template.jinja` holds
{asked}; the answer follows.{answers}

| setting | value |
| --- | --- |
{rows}

![Loss](training/loss.svg)

Loss and held-out loss of every step: `training/log.jsonl`. As a bundle for the browser:

```sh
slm-export model {facts["base"]} --adapter {facts["name"]} --out bundles/{facts["name"]}
```

State here where the training data comes from and under which licence before you pass the adapter on.
"""
