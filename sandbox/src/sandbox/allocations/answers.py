"""What the allocations API shall answer for one channel: the truth, or any of its failures."""

from datetime import date
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

GARBAGE = b"\x00\xff<html>not what you asked for"

AnswerKind = Literal["weights", "raw", "garbage", "empty", "wrong_status", "hang"]


class ChannelAnswer(BaseModel):
    """One channel's answer; may be written as the bare mapping of symbols to weights.

    `kind` says what goes out: the `weights` in the documented format; the text `raw` as it stands; bytes that are no
    JSON (`garbage`); a document without allocations (`empty`); one whose `status` is not success (`wrong_status`); or
    nothing at all until the client leaves (`hang`). `status` is the HTTP status, sent after `delay_seconds`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: AnswerKind = "weights"
    weights: dict[str, float] = {}
    raw: str = ""
    status: Annotated[int, Field(ge=200, le=599)] = 200
    delay_seconds: Annotated[float, Field(ge=0, le=600)] = 0.0
    strategy_long_name: str | None = None
    last_rebalance_on: date = date(2025, 6, 24)
    as_of: date = date(2025, 6, 24)

    @model_validator(mode="before")
    @classmethod
    def _from_bare_weights(cls, value: Any) -> Any:
        """A mapping whose values are all numbers is the weights themselves, unless its keys are fields."""
        if not isinstance(value, dict):
            return value
        given = cast("dict[Any, Any]", value)
        return {"weights": given} if given and not given.keys() & cls.model_fields.keys() else given

    @model_validator(mode="after")
    def _raw_needs_its_kind(self) -> Self:
        if self.raw and self.kind != "raw":
            raise ValueError("raw is only sent with kind: raw")
        return self

    def body(self, channel: str) -> bytes | dict[str, Any]:
        """The body to send: bytes as they are, or a document to be sent as JSON."""
        if self.kind == "raw":
            return self.raw.encode()
        if self.kind == "garbage":
            return GARBAGE
        return self._document(channel)

    def _document(self, channel: str) -> dict[str, Any]:
        weights = {} if self.kind == "empty" else self.weights
        return {
            "status": "error" if self.kind == "wrong_status" else "success",
            "data": {
                "allocations": [{"symbol": symbol, "allocation": weight} for symbol, weight in weights.items()],
                "name": channel,
                "strategy_long_name": self.strategy_long_name or channel.replace("-", " ").title(),
                "last_rebalance_on": self.last_rebalance_on.isoformat(),
                "as_of": self.as_of.isoformat(),
            },
        }
