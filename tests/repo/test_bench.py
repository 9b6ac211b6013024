"""What `make bench` makes and measures: the large model only where a real GPU is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import bench_steps, large_steps, wants_large
from steps import Checkout


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], False),
        (["--device", "cpu"], False),
        (["--device", "webgpu"], True),
        (["--rounds", "5", "--device=webgpu"], True),
        (["--device", "webgpu", "--software"], False),
        (["--device", "webgpu", "--bundle", "elsewhere"], False),
    ],
)
def test_who_gets_the_large_model(arguments: list[str], wanted: bool) -> None:
    assert wants_large(arguments) is wanted


def test_its_steps_state_what_they_need_and_what_they_are_made_of(root: Path) -> None:
    steps = large_steps(Checkout(root))
    assert [step.name for step in steps] == ["large-model", "large-bundle", "large-peers"]
    assert all(step.kept_bytes > 0 and len(step.inputs()) == 64 for step in steps)
    assert not {step.name for step in steps} & {step.name for step in bench_steps(Checkout(root))}
