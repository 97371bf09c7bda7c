"""Runs one service of the product inside a forked process, as `python -m` would, with points to be struck at."""

import runpy
from collections.abc import Mapping
from typing import Any

from chaos.points import Strike, arm


def main(args: Mapping[str, Any]) -> int:
    """Run `module` to its end; its exit code."""
    arm([Strike(**strike) for strike in args["strikes"]])
    try:
        runpy.run_module(args["module"], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
