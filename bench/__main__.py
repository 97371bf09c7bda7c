"""`python -m bench`: measures, prints the tables, and writes docs/benchmarks.md."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.page import render
from bench.ratios import Figure
from bench.rebalance import measure_rebalance
from bench.suites import count_transitions, measure_questions, measure_transitions
from event_queue.testing.postgres_server import running_postgres

_ROUNDS = 5
_PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


async def main() -> None:
    """Run all suites one after another."""
    machine, counts = await count_transitions()
    tables: dict[str, Sequence[Figure]] = {}
    with running_postgres() as postgres:
        for policy in ("always", "everysec"):
            title = f"Transitions, appendfsync {policy}"
            tables[title] = await measure_transitions(policy, postgres, rounds=_ROUNDS, tell=_tell)
    tables["Questions, by events waiting"] = await measure_questions(rounds=_ROUNDS, tell=_tell)
    speeds = {
        "first after a start": await measure_rebalance(rounds=_ROUNDS, contracts_known=False),
        "later ones": await measure_rebalance(rounds=_ROUNDS, contracts_known=True),
    }
    page = render(machine, _ROUNDS, tables, counts, speeds)
    _PAGE.parent.mkdir(exist_ok=True)
    _PAGE.write_text(page, "utf-8")
    print(page)
    _tell(f"written to {_PAGE.relative_to(_PAGE.parents[1])}")


def _tell(words: str) -> None:
    sys.stderr.write(f"{words}\n")


if __name__ == "__main__":
    asyncio.run(main())
