"""The SQL statements as shipped: one file each, described on top."""

from importlib.resources import files
from typing import Final, Literal, get_args

QueryName = Literal[
    "append_pauses",
    "end_left_orders",
    "fence_readers",
    "find_events",
    "find_known",
    "find_moved",
    "find_stored",
    "first_since",
    "get_event",
    "get_history",
    "list_asked",
    "list_durability",
    "list_events",
    "list_expected",
    "list_keepsakes",
    "list_last_fills",
    "list_pauses",
    "list_progress",
    "list_remembered",
    "list_switched",
    "list_unfinished",
    "list_unseen",
    "lock_cursor",
    "move_cursor",
    "move_events",
    "ping",
    "purge_events",
    "purge_loose",
    "purge_until",
    "quarantine",
    "read_cursor",
    "read_position",
    "settle_orders",
    "upsert_fills",
    "upsert_order_intents",
    "upsert_order_results",
]

QUERY_NAMES: Final[tuple[QueryName, ...]] = get_args(QueryName)


def load_queries() -> dict[QueryName, str]:
    """Read every statement of the package."""
    folder = files("event_queue") / "sql"
    return {name: (folder / f"{name}.sql").read_text(encoding="utf-8") for name in QUERY_NAMES}
