"""What would end the setup or the server later is said before the first step: a full disk, a port that is taken."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from runner import SetupError, megabytes
from steps import Step


def check_space(steps: Sequence[Step]) -> None:
    """Raises: SetupError where the disk has less free than the steps write."""
    kept: dict[int, int] = {}
    peak: dict[int, int] = {}
    places: dict[int, Path] = {}
    for step in steps:
        place = next(path for path in (step.place, *step.place.parents) if path.exists())
        device = place.stat().st_dev
        places.setdefault(device, place)
        kept[device] = kept.get(device, 0) + step.kept_bytes
        peak[device] = max(peak.get(device, 0), kept[device] + step.passing_bytes)
    for device, place in places.items():
        free = shutil.disk_usage(place).free
        if free < peak[device]:
            raise SetupError(
                f"Not enough disk space: the next steps write up to {megabytes(peak[device])} below {place}, "
                f"and {megabytes(free)} are free. Free some space and run the same command again."
            )


def check_port(arguments: Sequence[str]) -> None:
    """`arguments` are the server's.

    Raises: SetupError where the port that they name, or each of the usual ones, is taken, and for what is no port.
    """
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "playground"))
    from slm_playground.listen import ListenError, open_socket  # standard library only

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--port")
    try:
        said = parser.parse_known_args(arguments)[0].port
        open_socket(None if said is None else int(said)).close()
    except ListenError as error:
        raise SetupError(error.advise('make run ARGS="--port {port}"')) from error
    except (argparse.ArgumentError, ValueError, OverflowError) as error:
        raise SetupError('--port needs a number from 0 to 65535: make run ARGS="--port 8799"') from error
