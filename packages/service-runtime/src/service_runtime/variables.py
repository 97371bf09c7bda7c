"""Which environment variable sets which setting.

Every `section.key` answers to `SECTION_KEY`; a few also to the flat names that operators and Compose files use.
"""

from collections.abc import Mapping

from service_runtime.settings import SECTIONS

SettingPath = tuple[str, str]
"""Section and key."""

FLAT_NAMES: Mapping[str, SettingPath] = {
    "ZEHNLABS_FINTECH_API_KEY": ("allocations", "api_key"),
    "TRADING_MODE": ("ibkr", "trading_mode"),
    "ORDER_TYPE": ("orders", "type"),
    "TIME_IN_FORCE": ("orders", "time_in_force"),
    "EXTENDED_HOURS_ENABLED": ("orders", "extended_hours_enabled"),
    "LOG_LEVEL": ("logging", "level"),
    "LOG_FORMAT": ("logging", "format"),
    "POSTGRES_USER": ("postgres", "username"),
    "POSTGRES_DB": ("postgres", "database"),
}

FILE_VARIABLES = ("CONFIG_FILE", "ACCOUNTS_FILE", "REPLACEMENT_SETS_FILE", "HEARTBEAT_FILE")
"""Variables that name a file rather than set a value."""


def known_variables() -> Mapping[str, SettingPath]:
    """Every variable that sets a value, with the setting it sets."""
    derived = {
        f"{section}_{key}".upper(): (section, key) for section, model in SECTIONS.items() for key in model.model_fields
    }
    return derived | dict(FLAT_NAMES)
