"""Which function serves which command."""

from collections.abc import Awaitable, Callable
from typing import assert_never

from event_processor.attempt import Attempt, CommandOutcome
from event_processor.commands.cancel_orders import cancel_orders
from event_processor.commands.print_equity import print_equity
from event_processor.commands.print_orders import print_orders
from event_processor.commands.print_positions import print_positions
from event_processor.commands.print_rebalance import print_rebalance
from event_processor.commands.rebalance import rebalance
from event_queue.events import Command

Handler = Callable[[Attempt], Awaitable[CommandOutcome]]


def handler_of(command: Command) -> Handler:
    """The command's function. Only REBALANCE trades, and only CANCEL_ORDERS besides it touches orders."""
    match command:
        case Command.REBALANCE:
            return rebalance
        case Command.PRINT_REBALANCE:
            return print_rebalance
        case Command.PRINT_POSITIONS:
            return print_positions
        case Command.PRINT_EQUITY:
            return print_equity
        case Command.PRINT_ORDERS:
            return print_orders
        case Command.CANCEL_ORDERS:
            return cancel_orders
        case _:
            assert_never(command)
