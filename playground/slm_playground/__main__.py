"""`slm-playground`, also as `python -m slm_playground`."""

import sys

from slm_playground.desktop.second import is_done


def main() -> None:
    """The command line, but for a second start of the app, which has no time for it."""
    if sys.argv[1:2] == ["desktop"] and is_done(sys.argv[2:]):
        return
    from slm_playground.cli import main as command_line

    command_line(prog_name="slm-playground")


if __name__ == "__main__":
    main()
