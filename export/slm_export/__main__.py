"""Entry of `slm-export` and `python -m slm_export`: signals first, so that Ctrl-C is one line at any moment."""

from __future__ import annotations

import json
import sys

from slm_export.interrupts import catch_signals, exit_code, interrupted_by


def main() -> None:
    """Run the command line; ends the process."""
    catch_signals()
    try:
        from slm_export.cli import main as command_line

        command_line(prog_name="slm-export")
    except SystemExit:
        raise
    except BaseException:
        # Between importing and the command's own handling; libraries turn an interrupt into errors of their own.
        if interrupted_by() is None:
            raise
        message = "Interrupted before anything was begun."
        sys.stderr.write(f"{message}\n")
        if "--json" in sys.argv:
            print(json.dumps({"error": {"kind": "Interrupted", "message": message}}))
        sys.exit(exit_code())


if __name__ == "__main__":
    main()
