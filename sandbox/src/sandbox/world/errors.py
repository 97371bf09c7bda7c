"""What can go wrong when the simulated world is built or told what to do.

    WorldError
    ├── SpecError            the description of the world is wrong; nothing was built
    ├── UnknownAccountError  no account of that id in this world
    └── UnknownInstrumentError  no instrument, or several, by that name

A refusal by the simulated brokerage is no error of the simulation: it is a `Refusal` value that travels to the client.
"""


class WorldError(Exception):
    """Root of everything that this package raises."""


class SpecError(WorldError):
    """The description cannot be loaded: unknown key, bad value, duplicate or dangling name."""


class UnknownAccountError(WorldError):
    """The world has no such account."""

    def __init__(self, account_id: str) -> None:
        super().__init__(f"unknown account {account_id!r}: name one that the specification lists")
        self.account_id = account_id


class UnknownInstrumentError(WorldError):
    """The name fits no instrument, or more than one."""

    def __init__(self, symbol: str, found: int) -> None:
        super().__init__(f"{symbol!r} fits {found} instruments: give the con_id of one")
        self.symbol = symbol
        self.found = found
