"""The account messages that both a request and a later change call for."""

from sandbox.gateway.figures import ledger, shown_holdings, summary, totals
from sandbox.gateway.messages import accounts as messages
from sandbox.gateway.session import Session, Summary
from sandbox.world.ledger import Holding


def send_account_updates(session: Session, account_id: str) -> None:
    """All values and positions of the account, as after a change."""
    parts = session.parts
    account = parts.accounts.get(account_id)
    figures = [*totals(account, parts.market), *ledger(account, parts.market)]
    session.send_all(messages.account_value(account_id, figure) for figure in figures)
    held = shown_holdings(account, parts.market)
    session.send_all(messages.portfolio_value(account_id, value) for value in held)
    session.send(messages.account_time(parts.now()))


def send_updates_multi(session: Session, request_id: int, account_id: str) -> None:
    """All values of the account under a request id."""
    parts = session.parts
    account = parts.accounts.get(account_id)
    figures = [*totals(account, parts.market), *ledger(account, parts.market)]
    session.send_all(messages.account_update_multi(request_id, account_id, figure) for figure in figures)


def send_summary(session: Session, request_id: int, wanted: Summary) -> None:
    """The figures of every account of the summary, and its end."""
    parts = session.parts
    for account_id in wanted.accounts:
        figures = summary(parts.accounts.get(account_id), parts.market, wanted.tags)
        session.send_all(messages.account_summary(request_id, account_id, figures))
    session.send(messages.account_summary_end(request_id))


def holdings_of(session: Session, account_id: str) -> list[Holding]:
    """The positions that clients see."""
    return [value.holding for value in shown_holdings(session.parts.accounts.get(account_id), session.parts.market)]
