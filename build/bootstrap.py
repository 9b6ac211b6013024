"""Entry of every `make` target: `python3 build/bootstrap.py STEP …`. Standard library only, no installation needed.

This file must stay readable for old Pythons (no annotations, no f-strings), so that they print the sentence below
instead of a SyntaxError. All work is in tasks.py.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - older versions are exactly what this line is for
    sys.stderr.write(
        "SLM Playground needs Python 3.11 or newer, and {} is Python {}.{}.\n"
        "Install a newer one (https://www.python.org/downloads/) and name it: make run PYTHON=python3.12\n".format(
            sys.executable, *sys.version_info
        )
    )
    sys.exit(1)

from tasks import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
