"""The reference distributions that the web tests draw against are what the NumPy program gives."""

import runpy
from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures"


def test_the_committed_cases_are_the_programs():
    program = runpy.run_path(str(FIXTURES / "make_sampling.py"))
    assert (FIXTURES / "sampling.json").read_text(encoding="utf-8") == program["written"]()
