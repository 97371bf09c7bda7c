"""What an operator may queue: known accounts and commands, and no payload that says something else."""

from collections.abc import Iterator

from event_queue.events import Command
from management_service.problems import FieldError
from management_service.schemas import NewEvent
from service_runtime.accounts import Accounts, account_mode
from service_runtime.settings import TradingMode


def find_faults(request: NewEvent, accounts: Accounts, mode: TradingMode) -> tuple[FieldError, ...]:
    """Everything that forbids queueing the request; empty when nothing does."""
    return (*_account_faults(request.account_id, accounts, mode), *_command_faults(request))


def _account_faults(account_id: str, accounts: Accounts, mode: TradingMode) -> Iterator[FieldError]:
    if account_id in accounts.disabled:
        yield FieldError("account_id", f"{account_id} is disabled: accounts.yaml has `enabled: false` for it")
    elif account_id not in accounts.by_id:
        yield FieldError("account_id", f"{account_id} is not configured: accounts are listed in accounts.yaml")
    elif account_mode(account_id) is not mode:
        yield FieldError(
            "account_id", f"{account_id} is a {account_mode(account_id)} account, but TRADING_MODE is {mode}"
        )


def _command_faults(request: NewEvent) -> Iterator[FieldError]:
    if request.exec_command not in tuple(Command):
        yield FieldError("exec_command", f"is not a command; there are {', '.join(Command)}")
        return
    data = request.data or {}
    if "exec" in data and data["exec"] != request.exec_command:
        yield FieldError("data.exec", f"contradicts exec_command, which is {request.exec_command}")
