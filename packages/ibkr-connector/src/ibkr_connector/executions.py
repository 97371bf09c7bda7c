"""Executions as the brokerage last told them: each once, corrections in place of what they correct.

A correction repeats an execution's id with the next revision; one without shares takes the execution back (a bust).
Some gateways number the parts of one order in the same place. The count of the order's shares tells which it is:
revisions of a correction add up to more than was executed. Parts all have shares.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from broker_connector_base import Fill
from ibkr_connector.mapping import to_fill
from ibkr_connector.messages import CommissionTold, ExecutionTold, split_exec_id
from ibkr_connector.numbers import Senseless


class ExecutionBook:
    """Every execution that this session has heard of, live or in answer to a request."""

    def __init__(self) -> None:
        self._latest: dict[str, ExecutionTold] = {}
        self._told: dict[str, dict[str, ExecutionTold]] = {}
        """Everything told, by series and id."""
        self._in_parts: set[str] = set()
        """Series of parts."""
        self._commissions: dict[str, CommissionTold] = {}
        """By id, and of each series the one of its latest revision."""
        self._waived: set[str] = set()
        self._news: list[str] = []

    def add(self, told: ExecutionTold) -> tuple[ExecutionTold, ...]:
        """Keep the execution unless it, or a later revision of it, is known; what is new or counts otherwise now.

        Raises:
            Senseless: its id was told of another order; one would pass for the other's repetition or correction.
        """
        revisions = self._told.setdefault(told.series, {})
        for known in revisions.values():
            _require_same_order(known, told)
        if told.exec_id in revisions:
            return ()
        revisions[told.exec_id] = told
        execution = replace(told, is_part=True) if told.series in self._in_parts else told
        latest = self._latest.get(execution.stem)
        is_latest = latest is None or latest.revision < execution.revision
        if is_latest:
            self._keep(execution)
        counted = max(each.cumulative for each in revisions.values())
        return self._divided([self._latest[execution.stem]], counted) or (execution,) * is_latest

    def divide(self, executions: Iterable[ExecutionTold], counted: Decimal) -> tuple[ExecutionTold, ...]:
        """The parts of an order, if what looked like their corrections adds up to the shares that were counted.

        To be asked when nothing more can come: until then a share that is missing may be on its way.
        """
        return self._divided([each for each in executions if each.revision > 1], counted)

    def add_commission(self, report: CommissionTold) -> None:
        """Keep the commission; a later report on the same execution replaces it, and the same report is no news.

        One without an amount reports nothing, and one on an earlier revision nothing of the later.
        """
        if report.amount is None or self._commissions.get(report.exec_id) == report:
            return
        self._commissions[report.exec_id] = report
        series, revision = split_exec_id(report.exec_id)
        latest = self._commissions.get(series)
        if latest is None or split_exec_id(latest.exec_id)[1] <= revision:
            self._commissions[series] = report
        self._news.append(report.exec_id if series in self._in_parts else series)

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
        return any(self._lacks_commission(each) and each.stem not in self._waived for each in executions)

    def without_commission(self, executions: Iterable[ExecutionTold]) -> int:
        """How many of them had no commission reported."""
        return sum(map(self._lacks_commission, executions))

    def waive_commission(self, executions: Iterable[ExecutionTold]) -> None:
        """Stop expecting reports on these: the time for them is over."""
        self._waived.update(each.stem for each in executions)

    def fills(self, executions: Iterable[ExecutionTold]) -> tuple[Fill, ...]:
        """The executions that stand, with their commissions as far as reported; busted ones left out."""
        return tuple(fill for fill in self.fills_and_busts(executions) if not fill.is_busted)

    def fills_and_busts(self, executions: Iterable[ExecutionTold]) -> tuple[Fill, ...]:
        """The executions that stand, and those that were busted after they may have been told, which cost nothing."""
        tellable = (each for each in executions if (each.price > 0 if each.quantity else each.revision > 1))
        return tuple(to_fill(each, self._commissions.get(each.stem) if each.quantity else None) for each in tellable)

    def _lacks_commission(self, execution: ExecutionTold) -> bool:
        """Nobody has to pay for what was busted."""
        return execution.quantity > 0 and execution.stem not in self._commissions

    def _keep(self, execution: ExecutionTold) -> None:
        self._latest[execution.stem] = execution
        self._news.append(execution.stem)

    def _divided(self, revised: Iterable[ExecutionTold], counted: Decimal) -> tuple[ExecutionTold, ...]:
        """Parts in place of these revisions where only so the order's executions add up to its count."""
        parts: list[ExecutionTold] = []
        for execution in revised:
            revisions = self._told[execution.series].values()
            if len(revisions) > 1 and not execution.is_part and self._are_parts(execution, revisions, counted):
                self._in_parts.add(execution.series)
                del self._latest[execution.stem]
                parts += (replace(each, is_part=True) for each in revisions)
        for part in parts:
            self._keep(part)
        return tuple(parts)

    def _are_parts(self, latest: ExecutionTold, revisions: Iterable[ExecutionTold], counted: Decimal) -> bool:
        order = (latest.account_id, latest.key, latest.perm_id)
        others = (
            each.quantity
            for each in self._latest.values()
            if (each.account_id, each.key, each.perm_id) == order and each.stem != latest.stem
        )
        rest = counted - sum(others, Decimal(0))
        quantities = [each.quantity for each in revisions]
        return 0 not in quantities and rest != latest.quantity and rest == sum(quantities)


def _require_same_order(known: ExecutionTold, told: ExecutionTold) -> None:
    """By what an order keeps for life: its number changes when one that was placed by hand is bound to a client."""
    is_other = 0 not in (known.perm_id, told.perm_id) and known.perm_id != told.perm_id
    if is_other or known.contract_id != told.contract_id:
        raise Senseless(f"the id of an execution of order {known.key} told of order {told.key} too", told.exec_id)
