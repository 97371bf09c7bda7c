"""The meaning of the gateway's error codes."""

import pytest

from ibkr_connector.error_codes import ErrorClass, classify, fails_request

_EXPECTED = {
    ErrorClass.INFORMATION: [2104, 2106, 2107, 2108, 2109, 2119, 2137, 2158, 2100, 399, 404, 10167, 10090, 10349],
    ErrorClass.DEGRADED: [1100, 1101, 1102, 1300, 2103, 2105, 2110, 2157],
    ErrorClass.NO_DATA: [354, 10186, 101, 300, 366, 200],
    ErrorClass.REJECTED: [
        201,
        203,
        110,
        111,
        113,
        160,
        434,
        321,
        355,
        388,
        383,
        382,
        163,
        109,
        387,
        411,
        412,
        426,
        435,
        436,
        460,
        10015,
        10243,
        103,
    ],
    ErrorClass.RETRY_LATER: [154, 162, 10197],
    ErrorClass.CANCELLED: [202],
    ErrorClass.CANCEL_DISPUTED: [161, 10147, 10148, 135, 136],
    ErrorClass.UNKNOWN: [99999, 0, -1],
}


@pytest.mark.parametrize(("kind", "codes"), _EXPECTED.items())
def test_codes_mean_what_the_brokerage_documents(kind: ErrorClass, codes: list[int]) -> None:
    """Each documented code has one meaning; what is not in the table is unknown."""
    assert {code: classify(code) for code in codes} == dict.fromkeys(codes, kind)


def test_unlisted_warnings_are_information() -> None:
    """Codes from 2100 to 2199 never fail anything."""
    assert classify(2199) is ErrorClass.INFORMATION
    assert classify(2200) is ErrorClass.UNKNOWN


@pytest.mark.parametrize(("code", "fails"), [(10167, False), (2104, False), (2103, False), (354, True), (99999, True)])
def test_only_real_failures_end_a_request(code: int, fails: bool) -> None:
    """Notices and broken farms leave a request waiting for its answer; refusals and unknown codes end it."""
    assert fails_request(code) is fails
