"""What an account must hold: the positions last agreed on, and the executions since."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from ibkr_connector.messages import ExecutionTold


class PositionLedger:
    """Compares reported positions with executions, contract by contract.

    Only contracts with executions since the last agreement are compared: others may change for reasons of their own,
    such as splits, transfers and trades by hand.
    """

    def __init__(self) -> None:
        self._agreed: dict[int, Decimal] | None = None
        self._absorbed: dict[str, Decimal] = {}

    @property
    def has_agreement(self) -> bool:
        """False until positions were once agreed on."""
        return self._agreed is not None

    def agree(self, positions: Mapping[int, Decimal], executions: Iterable[ExecutionTold]) -> None:
        """Take positions for true, with all these executions in them."""
        self._agreed = dict(positions)
        self._absorbed = {each.stem: _signed(each) for each in executions}

    def forget(self) -> None:
        """Give the agreement up: positions and executions went apart for good, and must settle afresh."""
        self._agreed = None
        self._absorbed = {}

    def disagreements(
        self, positions: Mapping[int, Decimal], executions: Iterable[ExecutionTold]
    ) -> dict[int, tuple[Decimal, Decimal]]:
        """Reported and expected quantity of every contract where they differ, by contract id."""
        agreed = self._agreed or {}
        pairs = {
            contract_id: (positions.get(contract_id, Decimal(0)), agreed.get(contract_id, Decimal(0)) + change)
            for contract_id, change in self.changes(executions).items()
        }
        return {contract_id: pair for contract_id, pair in pairs.items() if pair[0] != pair[1]}

    def expected(self, executions: Iterable[ExecutionTold]) -> dict[int, Decimal]:
        """Every position by contract id, closed ones left out, if nothing happened but these executions."""
        quantities = dict(self._agreed or {})
        for contract_id, change in self.changes(executions).items():
            quantities[contract_id] = quantities.get(contract_id, Decimal(0)) + change
        return {contract_id: quantity for contract_id, quantity in quantities.items() if quantity}

    def changes(self, executions: Iterable[ExecutionTold]) -> dict[int, Decimal]:
        """Shares by contract that came in or went out since the agreement; a correction changes by its difference.

        Empty without an agreement.
        """
        if self._agreed is None:
            return {}
        changes: defaultdict[int, Decimal] = defaultdict(Decimal)
        for each in executions:
            difference = _signed(each) - self._absorbed.get(each.stem, Decimal(0))
            if difference:
                changes[each.contract_id] += difference
        return dict(changes)


def _signed(execution: ExecutionTold) -> Decimal:
    return execution.side.sign * execution.quantity
