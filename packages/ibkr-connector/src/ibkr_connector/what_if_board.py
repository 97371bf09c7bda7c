"""What-if orders that are being asked about, and what the gateway answered, by request number."""

from dataclasses import dataclass

from ibkr_connector.error_codes import fails_request
from ibkr_connector.messages import ErrorTold, WhatIfTold


@dataclass(slots=True)
class WhatIfAnswer:
    """What has been heard about one what-if."""

    told: WhatIfTold | None = None
    refusal: str = ""

    @property
    def is_complete(self) -> bool:
        """True when it was refused or has its margins: a first answer may come without them."""
        return bool(self.refusal) or (self.told is not None and self.told.initial_margin_after is not None)


class WhatIfBoard:
    """The what-ifs that are being asked right now."""

    def __init__(self) -> None:
        self._answers: dict[int, WhatIfAnswer] = {}

    def open(self, request_id: int) -> WhatIfAnswer:
        """Collect the answer to this request from now on."""
        return self._answers.setdefault(request_id, WhatIfAnswer())

    def close(self, request_id: int) -> None:
        """Collect no more."""
        self._answers.pop(request_id, None)

    def take(self, message: WhatIfTold) -> None:
        """Note an answer."""
        if answer := self._answers.get(message.request_id):
            answer.told = message

    def failed(self, error: ErrorTold) -> None:
        """Note a refusal."""
        answer = self._answers.get(error.request_id)
        if answer and fails_request(error.code):
            answer.refusal = str(error)
