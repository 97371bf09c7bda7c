"""Account values, summaries, positions."""

from sandbox.gateway.account_reports import holdings_of, send_account_updates, send_summary, send_updates_multi
from sandbox.gateway.fields import FieldReader
from sandbox.gateway.messages import accounts as messages
from sandbox.gateway.session import NO_REQUEST, Session, Summary

_INVALID_ACCOUNT = 321
_SUBSCRIPTIONS_EXCEEDED = 322
_UNSUBSCRIBED = 2100
_MOST_SUMMARIES = 2


def account_updates(session: Session, fields: FieldReader) -> None:
    """Subscribe to one account, in place of the one before, or unsubscribe."""
    fields.skip(1)
    subscribe, account_id = fields.flag(), fields.text()
    if not subscribe:
        session.subscriptions.account_updates = ""
        return
    account_id = account_id or session.world.accounts[0]
    if _is_known(session, NO_REQUEST, account_id):
        if session.subscriptions.account_updates not in {"", account_id}:
            session.error(NO_REQUEST, _UNSUBSCRIBED, "API client has been unsubscribed from account data.")
        session.subscriptions.account_updates = account_id
        send_account_updates(session, account_id)
        session.send(messages.account_download_end(account_id))


def account_updates_multi(session: Session, fields: FieldReader) -> None:
    """Subscribe to the values of any account."""
    fields.skip(1)
    request_id, account_id = fields.integer(), fields.text()
    if _is_known(session, request_id, account_id):
        session.subscriptions.updates_multi[request_id] = account_id
        send_updates_multi(session, request_id, account_id)
        session.send(messages.account_update_multi_end(request_id))


def cancel_account_updates_multi(session: Session, fields: FieldReader) -> None:
    """End a subscription."""
    fields.skip(1)
    session.subscriptions.updates_multi.pop(fields.integer(), None)


def account_summary(session: Session, fields: FieldReader) -> None:
    """Subscribe to chosen figures of all accounts; two such subscriptions at most."""
    fields.skip(1)
    request_id, group, tags = fields.integer(), fields.text(), fields.text()
    summaries = session.subscriptions.summaries
    if len(summaries) >= _MOST_SUMMARIES:
        text = "Error processing request.-'bY' : cause - Maximum number of account summary requests exceeded"
        session.error(request_id, _SUBSCRIPTIONS_EXCEEDED, text)
        return
    accounts = session.world.accounts if group == "All" else (group,)
    if all(_is_known(session, request_id, account_id) for account_id in accounts):
        summaries[request_id] = Summary(accounts, tuple(tag.strip() for tag in tags.split(",")))
        send_summary(session, request_id, summaries[request_id])


def cancel_account_summary(session: Session, fields: FieldReader) -> None:
    """End a subscription."""
    fields.skip(1)
    session.subscriptions.summaries.pop(fields.integer(), None)


def positions(session: Session, _fields: FieldReader) -> None:
    """Subscribe to the positions of all accounts."""
    session.subscriptions.positions = True
    for account_id in session.world.accounts:
        session.send_all(messages.position(account_id, holding) for holding in holdings_of(session, account_id))
    session.send(messages.position_end())


def cancel_positions(session: Session, _fields: FieldReader) -> None:
    """End the subscription."""
    session.subscriptions.positions = False


def positions_multi(session: Session, fields: FieldReader) -> None:
    """Subscribe to the positions of one account."""
    fields.skip(1)
    request_id, account_id = fields.integer(), fields.text()
    if _is_known(session, request_id, account_id):
        session.subscriptions.positions_multi[request_id] = account_id
        held = holdings_of(session, account_id)
        session.send_all(messages.position_multi(request_id, account_id, holding) for holding in held)
        session.send(messages.position_multi_end(request_id))


def cancel_positions_multi(session: Session, fields: FieldReader) -> None:
    """End a subscription."""
    fields.skip(1)
    session.subscriptions.positions_multi.pop(fields.integer(), None)


def _is_known(session: Session, request_id: int, account_id: str) -> bool:
    if account_id in session.parts.accounts:
        return True
    text = f"Error validating request.-'bK' : cause - Invalid account code '{account_id}'."
    session.error(request_id, _INVALID_ACCOUNT, text)
    return False
