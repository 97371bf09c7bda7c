"""The benchmark page's part about a rebalance."""

from collections.abc import Mapping

from bench.rebalance import FILL_MS, FILLS_IN_CHAIN, MOST, REPLY_MS, SYMBOLS, RebalanceSpeed


def rebalance_section(speeds: Mapping[str, RebalanceSpeed]) -> str:
    """How long rebalances took beside their longest chains, and what was asked for at each of their steps."""
    rows = "\n".join(_row(name, speed) for name, speed in speeds.items())
    steps = "\n".join(_steps(name, speed) for name, speed in speeds.items() if speed.asked)
    return f"""\
## A rebalance of {len(SYMBOLS)} symbols

Against a simulated gateway with {REPLY_MS} ms a reply and {FILL_MS} ms a fill. The longest chain is the replies that
were waited for one after another, and {FILLS_IN_CHAIN} fills (sells, then buys); {MOST} times that is the aim for all
but the first rebalance after a start. The gateway takes 50 messages a second, of which 45 are used at most: what a
rebalance sends beyond these waits for the next second, and that wait is in the seconds.

| rebalance | dependent replies | longest chain, s | took, s | ratio | messages |
|---|---:|---:|---:|---:|---:|
{rows}

{steps}"""


def _row(name: str, speed: RebalanceSpeed) -> str:
    figures = f"{speed.steps} | {speed.chain:.2f} | {speed.slow:.2f} | {speed.ratio:.2f} | {speed.messages}"
    return f"| {name} | {figures} |"


def _steps(name: str, speed: RebalanceSpeed) -> str:
    """Each step was taken on the reply to the one before."""
    listed = "\n".join(f"{number}. {asked}" for number, asked in enumerate(speed.asked, start=1))
    return f"What was asked for, step by step ({name}):\n\n{listed}\n"
