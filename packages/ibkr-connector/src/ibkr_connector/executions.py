"""Executions as the brokerage last told them: each once, corrections in place of what they correct."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from broker_connector_base import Fill
from ibkr_connector.mapping import to_fill
from ibkr_connector.messages import CommissionTold, ExecutionTold, split_exec_id


class ExecutionBook:
    """Every execution that this session has heard of, live or in answer to a request."""

    def __init__(self) -> None:
        self._latest: dict[str, ExecutionTold] = {}
        self._commissions: dict[str, Decimal] = {}
        self._waived: set[str] = set()
        self._news: list[str] = []

    def add(self, execution: ExecutionTold) -> bool:
        """Keep the execution unless it, or a later revision of it, is known; True when it changed something."""
        known = self._latest.get(execution.stem)
        if known and known.revision >= execution.revision:
            return False
        self._latest[execution.stem] = execution
        self._news.append(execution.stem)
        return True

    def add_commission(self, report: CommissionTold) -> None:
        """Keep the commission; a later report on the same execution replaces it."""
        stem = split_exec_id(report.exec_id)[0]
        self._commissions[stem] = report.amount
        self._news.append(stem)

    @property
    def position(self) -> int:
        """How often anything became known or changed; see `news_since`."""
        return len(self._news)

    def news_since(self, position: int) -> tuple[ExecutionTold, ...]:
        """Executions that became known, or about which something did, since there were so many changes."""
        stems = dict.fromkeys(self._news[position:])
        return tuple(self._latest[stem] for stem in stems if stem in self._latest)

    def of_account(self, account_id: str) -> tuple[ExecutionTold, ...]:
        """Executions on one account, in the order in which they were first heard of."""
        return tuple(each for each in self._latest.values() if each.account_id == account_id)

    def __iter__(self) -> Iterator[ExecutionTold]:
        return iter(tuple(self._latest.values()))

    def lack_commission(self, executions: Iterable[ExecutionTold]) -> bool:
        """True while a report on one of them may still come."""
        return any(each.stem not in self._commissions and each.stem not in self._waived for each in executions)

    def without_commission(self, executions: Iterable[ExecutionTold]) -> int:
        """How many of them had no commission reported."""
        return sum(each.stem not in self._commissions for each in executions)

    def waive_commission(self, executions: Iterable[ExecutionTold]) -> None:
        """Stop expecting reports on these: the time for them is over."""
        self._waived.update(each.stem for each in executions)

    def fills(self, executions: Iterable[ExecutionTold]) -> tuple[Fill, ...]:
        """The executions with their commissions, 0 where none was reported; busted ones (no shares) left out."""
        counted = (each for each in executions if each.quantity > 0 and each.price > 0)
        return tuple(to_fill(each, self._commissions.get(each.stem, Decimal(0))) for each in counted)
