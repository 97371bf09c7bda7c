"""How often one address may send a wrong key: a few at once, then one now and then."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

WRONG_KEYS_AT_ONCE: Final = 20
SECONDS_A_GUESS: Final = 3.0
"""An address that has used up its guesses gets one back this often."""
_MOST_ADDRESSES: Final = 4096
_ONE_HOST_V6: Final = 64
"""Bits of an IPv6 address that a network gives to one customer; the rest he chooses himself."""


@dataclass(slots=True)
class _Account:
    """What an address may still guess, as of a moment."""

    guesses: float
    at: float

    def refill(self, now: float) -> None:
        earned = max(0.0, now - self.at) / SECONDS_A_GUESS
        self.guesses, self.at = min(float(WRONG_KEYS_AT_ONCE), self.guesses + earned), now


class KeyGuessing:
    """Remembers the latest 4096 addresses that sent a wrong key. `now` is monotonic, in seconds."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self.refused = 0
        """How often an address was told to wait."""

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._accounts)

    def seconds_to_wait(self, address: str, now: float) -> int:
        """0 when a key from this address may be looked at, else whole seconds until the next one may."""
        account = self._accounts.get(_party(address))
        if account is None:
            return 0
        account.refill(now)
        if account.guesses >= 1:
            return 0
        self.refused += 1
        return math.ceil((1 - account.guesses) * SECONDS_A_GUESS)

    def was_wrong(self, address: str, now: float) -> bool:
        """Take one guess from the address; True when that was the last one for now."""
        party = _party(address)
        account = self._accounts.setdefault(party, _Account(WRONG_KEYS_AT_ONCE, now))
        self._accounts.move_to_end(party)
        account.refill(now)
        account.guesses = max(0.0, account.guesses - 1)
        if len(self._accounts) > _MOST_ADDRESSES:
            self._accounts.popitem(last=False)
        return account.guesses < 1


def _party(address: str) -> str:
    """Who stands behind an address: an IPv6 network of 64 bits counts as one, and mapped IPv4 as IPv4."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), _ONE_HOST_V6), strict=False))
