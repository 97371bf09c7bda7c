"""The weights that an account shall have: published, then replaced."""

from dataclasses import dataclass

import structlog

from event_processor.allocations import AllocationsClient
from event_processor.replacement_sets import ReplacementSets, replacement_set_of
from rebalance_calculator import TargetWeight, apply_replacements
from service_runtime.accounts import AccountConfig

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TargetSource:
    """Fetches the allocations of an account's channel and applies the account's replacement set."""

    allocations: AllocationsClient
    replacement_sets: ReplacementSets

    async def weights_of(self, account: AccountConfig) -> tuple[TargetWeight, ...]:
        """Checked weights by symbol.

        Raises:
            AccountMisconfigured: the account names an unknown replacement set.
            AllocationsError: there are no allocations to trade on.
            ReplacementError: the set does not fit the published weights.
        """
        replacement_set = replacement_set_of(account, self.replacement_sets)
        published = await self.allocations.fetch(account.channel)
        strategy = published.strategy
        _log.info(
            "allocations_received",
            channel=account.channel,
            strategy=strategy.long_name or strategy.name,
            as_of=strategy.as_of,
            last_rebalance_on=strategy.last_rebalance_on,
            weights={item.symbol: str(item.weight) for item in published.weights},
        )
        if replacement_set is None:
            return published.weights
        replaced = apply_replacements(published.weights, replacement_set)
        _log.info(
            "replacements_applied",
            replacement_set=replacement_set.name,
            weights={item.symbol: str(item.weight) for item in replaced},
        )
        return replaced
