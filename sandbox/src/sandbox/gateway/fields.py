"""Fields of a message: text on the wire, values inside."""

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from sandbox.gateway.errors import MalformedMessageError
from sandbox.world.instruments import ContractQuery

UNSET = "1.7976931348623157E308"
"""How the protocol writes a number that is not set, where it must not be empty."""

_LARGEST_NUMBER = Decimal("1e300")
"""Anything above means "not set", in whatever notation a client writes it."""

Value = str | int | bool | Decimal | None


def encode(value: Value) -> str:
    """One field's text. None is empty, truth is 1 or 0, numbers are written without exponent."""
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case Decimal():
            return f"{plain(value):f}"
        case _:
            return str(value)


def plain(number: Decimal) -> Decimal:
    """The same number without trailing zeros."""
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


class FieldReader:
    """Takes the fields of one message from left to right."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields: Iterator[str] = iter(fields)

    def text(self) -> str:
        """The next field.

        Raises:
            MalformedMessageError: there is none.
        """
        try:
            return next(self._fields)
        except StopIteration:
            raise MalformedMessageError("the message ends too early") from None

    def integer(self) -> int:
        """The next field as a whole number, empty meaning 0."""
        text = self.text()
        try:
            return int(text or 0)
        except ValueError as error:
            raise MalformedMessageError(f"not a whole number: {text!r}") from error

    def number(self) -> Decimal | None:
        """The next field as a number, None when it is not set."""
        text = self.text()
        try:
            number = Decimal(text) if text else None
        except InvalidOperation as error:
            raise MalformedMessageError(f"not a number: {text!r}") from error
        return None if number is None or not number.is_finite() or number > _LARGEST_NUMBER else plain(number)

    def flag(self) -> bool:
        """The next field as truth."""
        return self.text() not in {"", "0"}

    def skip(self, count: int) -> None:
        """Pass over fields that nobody here reads."""
        for _ in range(count):
            self.text()

    def named(self, names: Sequence[str]) -> dict[str, str]:
        """As many fields as there are names."""
        return {name: self.text() for name in names}

    def contract(self) -> ContractQuery:
        """The twelve fields that describe a contract."""
        return ContractQuery(
            con_id=self.integer(),
            symbol=self.text(),
            sec_type=self.text(),
            expiry=self.text(),
            strike=self.number() or Decimal(0),
            right=self.text(),
            multiplier=self.text(),
            exchange=self.text(),
            primary_exchange=self.text(),
            currency=self.text(),
            local_symbol=self.text(),
            trading_class=self.text(),
        )
