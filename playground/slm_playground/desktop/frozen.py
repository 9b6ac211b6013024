"""The frozen app's program: `slm-playground` whose first word may be missing, and then is `desktop`."""

import sys

from slm_playground.cli import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if not arguments or arguments[0] not in (*main.commands, "--help", "--version"):
        arguments.insert(0, "desktop")
    main(arguments, prog_name="slm-playground")
