"""`python -m slm_playground`: the same as `slm-playground`."""

from slm_playground.cli import main

main(prog_name="slm-playground")
