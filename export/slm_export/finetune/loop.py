"""The training loop: batches of this process, gradients of the LoRA weights, evaluation, checkpoints, Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from slm_export.errors import ExportInterrupted
from slm_export.finetune import store
from slm_export.finetune.batches import Batch, collate, plan
from slm_export.finetune.encode import Encoded
from slm_export.finetune.model import answer_logits, answer_loss, require_finite
from slm_export.finetune.schedule import Limits, rate_at
from slm_export.finetune.score import held_out
from slm_export.finetune.store import Counters, Texts
from slm_export.progress import Reporter

_LARGEST_NORM = 1.0  # gradients are clipped to it
_SAY_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Pace:
    """`lr` at its highest; evaluation and checkpoint every so many seconds, or steps where `eval_steps` is given."""

    lr: float
    batch_tokens: int
    seed: int
    save_seconds: float = 180.0
    eval_steps: int | None = None


@dataclass(slots=True)
class Training:
    """One run. `train` and `held` are what to learn from and what to measure on; `pad`: a token for padding."""

    accelerator: Any  # accelerate.Accelerator
    model: Any  # the prepared PEFT model
    optimizer: Any
    train: Sequence[Encoded]
    held: Sequence[Encoded]
    pad: int
    pace: Pace
    limits: Limits
    out: Path
    texts: Texts
    inputs: str
    reporter: Reporter
    counters: Counters = field(default_factory=Counters)
    log: list[dict[str, Any]] = field(default_factory=list)
    _began: float = 0.0
    _saved: float = 0.0

    def run(self) -> None:
        """Train to the end and write the finished adapter.

        Raises: ExportInterrupted after Ctrl-C; the last step's checkpoint is in `out` then.
        """
        say = self.reporter.paced(_SAY_SECONDS)
        self._began = time.monotonic() - self.counters.seconds
        self._saved = time.monotonic()
        try:
            if not self.log:
                self._measure()
            for batch in self._batches():
                progress = self._progress()
                if progress >= 1:
                    break
                loss = self._step(batch, rate_at(progress, self.pace.lr))
                say(self._line(loss, progress))
                self._pause()
            if "held_out_loss" not in self.log[-1]:
                self._measure()
        except KeyboardInterrupt as error:
            self._save()
            raise ExportInterrupted(
                f"Interrupted at step {self.counters.step:,}. The adapter in {self.out} is usable as it stands; "
                "the same command with --resume goes on from there."
            ) from error
        self._save(is_end=True)

    def _batches(self) -> Iterator[Batch]:
        """Those of this process from the next step on, epoch after epoch; a step takes one batch of every process."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        step, epoch = 0, 0
        while True:
            batches = plan([len(example) for example in self.train], self.pace.batch_tokens, self.pace.seed + epoch)
            batches += batches[: -len(batches) % world]  # every process needs one at each step
            for start in range(0, len(batches), world):
                if step >= self.counters.step:
                    yield collate([self.train[at] for at in batches[start + rank]], self.pad).to(self.accelerator.device)
                step += 1
            epoch += 1

    def _progress(self) -> float:
        """The same in all processes: their clocks differ."""
        self.counters.seconds = time.monotonic() - self._began
        progress = self.limits.progress(self.counters.step, self.counters.seconds)
        if self.accelerator.num_processes == 1:
            return progress
        from accelerate.utils import broadcast

        shared = broadcast(torch.tensor([progress], device=self.accelerator.device))
        return float(shared[0])

    def _step(self, batch: Batch, rate: float) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        count = int((batch.answers >= 0).sum())
        loss = answer_loss(answer_logits(self.model, batch), batch.answers) / max(count, 1)
        value = float(loss.detach())
        require_finite(value, self.counters.step)
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_([p for p in self.model.parameters() if p.requires_grad], _LARGEST_NORM)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.counters.step += 1
        self.counters.tokens += batch.real_tokens * self.accelerator.num_processes
        self.counters.examples += len(batch.tokens) * self.accelerator.num_processes
        entry = {"step": self.counters.step, "loss": round(value, 5), "lr": rate, "seconds": round(self.counters.seconds, 1)}
        self.log.append(entry)
        return value

    def _pause(self) -> None:
        """Between two steps: measure and save where it is time. Only rank 0's clock counts."""
        every = self.pace.eval_steps
        is_due = self.counters.step % every == 0 if every else time.monotonic() - self._saved >= self.pace.save_seconds
        if self.accelerator.num_processes > 1:
            from accelerate.utils import broadcast

            is_due = bool(broadcast(torch.tensor([float(is_due)], device=self.accelerator.device))[0] > 0)
        if is_due:
            self._measure()
            self._save()
            self._saved = time.monotonic()

    def _measure(self) -> None:
        """The held-out loss."""
        began = time.monotonic()
        score = held_out(self.model, self.held, self.pace.batch_tokens, self.pad, self.accelerator)
        self._began += time.monotonic() - began  # measuring is not training
        entry = {
            "step": self.counters.step,
            "held_out_loss": round(score.loss, 5),
            "held_out_exact": round(score.exact, 4),
            "examples": self.counters.examples,
            "tokens": self.counters.tokens,
        }
        self.log.append(entry)
        if self.accelerator.is_main_process:
            self.reporter.say(
                f"  step {self.counters.step:,}: held-out loss {score.loss:.4f}, {score.exact:.1%} of the answers exactly right"
            )

    def _save(self, *, is_end: bool = False) -> None:
        if not self.accelerator.is_main_process:
            return
        model = self.accelerator.unwrap_model(self.model)
        state = None if is_end else store.state_of(model, self.optimizer, self.counters, self.inputs)
        store.save(self.out, model, self.texts, self.log, state)

    def _line(self, loss: float, progress: float) -> str:
        seconds = max(self.counters.seconds, 1e-9)
        left = seconds * (1 - progress) / max(progress, 1e-9)
        return (
            f"  step {self.counters.step:,}: loss {loss:.3f}, {self.counters.tokens / seconds:,.0f} tokens/s, "
            f"{self.counters.examples / seconds:.1f} examples/s, {progress:.0%}, about {left / 60:.0f} min left"
        )
