"""The one table of the gateway's error codes: what each means for us, and nothing about their texts.

Source: IBKR's published list of API message codes, and what those who trade through it report.
"""

from enum import Enum, auto


class ErrorClass(Enum):
    """What a code means for the request or order that it names.

    INFORMATION: nothing failed; an order that it names lives on.
    DEGRADED: a connection behind the gateway is broken or was restored.
    NO_DATA: the request has no answer; never to be read as zero.
    REJECTED: the brokerage refuses; asking again will not help.
    RETRY_LATER: it refuses for now.
    CANCELLED: an order is over, the brokerage says.
    CANCEL_DISPUTED: a cancellation found no such order, or one in another state: only the list of orders can tell.
    UNKNOWN: not in the table.
    """

    INFORMATION = auto()
    DEGRADED = auto()
    NO_DATA = auto()
    REJECTED = auto()
    RETRY_LATER = auto()
    CANCELLED = auto()
    CANCEL_DISPUTED = auto()
    UNKNOWN = auto()


CLIENT_ID_IN_USE = 326
REQUEST_REFUSED = 321
"""Server error while validating a request; a read-only API answers orders, and requests about orders, with it."""
UPSTREAM_LOST = 1100
UPSTREAM_RESTORED = frozenset({1101, 1102})
ENDS_TROUBLE = {1101: (1100, 2110), 1102: (1100, 2110), 2104: (2103,), 2106: (2105,), 2158: (2157,)}
"""Which broken connection each message of a restored one is about."""

_CODES: dict[ErrorClass, tuple[int, ...]] = {
    ErrorClass.INFORMATION: (
        *(105, 165, 329, 399, 404, 492),
        *(2100, 2101, 2104, 2106, 2107, 2108, 2109, 2119, 2137, 2158),
        *(10090, 10091, 10167, 10349),
    ),
    ErrorClass.DEGRADED: (1100, 1101, 1102, 1300, 2103, 2105, 2110, 2157),
    ErrorClass.NO_DATA: (101, 200, 300, 354, 366, 10168, 10186, 10189),
    ErrorClass.REJECTED: (
        *(103, 104, 106, 107, 109, 110, 111, 113, 116, 118, 121, 122, 131, 133, 134, 144, 146, 147, 148, 151, 152),
        *(160, 163, 201, 203, 320, 321, 355, 382, 383, 387, 388, 411, 412, 426, 434, 435, 436, 460),
        *(10015, 10025, 10242, 10243, 10244, 10245, 10246, 10247, 10248, 10249, 10250, 10251, 10252),
        *(10289, 10293, 10311),
    ),
    ErrorClass.RETRY_LATER: (100, 154, 162, 322, 10197),
    ErrorClass.CANCELLED: (202,),
    ErrorClass.CANCEL_DISPUTED: (135, 136, 161, 10147, 10148),
}

_CLASS_OF: dict[int, ErrorClass] = {code: kind for kind, codes in _CODES.items() for code in codes}

_WARNINGS = range(2100, 2200)
"""Codes of this range never fail anything, also those not listed."""


def classify(code: int) -> ErrorClass:
    """What the code means."""
    default = ErrorClass.INFORMATION if code in _WARNINGS else ErrorClass.UNKNOWN
    return _CLASS_OF.get(code, default)


def fails_request(code: int) -> bool:
    """True when a request of this number will get no further answer."""
    return classify(code) not in (ErrorClass.INFORMATION, ErrorClass.DEGRADED)
