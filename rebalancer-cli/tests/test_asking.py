"""Asking until the answer is good."""

from rebalancer_cli.asking import ask_until


async def test_the_first_good_answer_ends_it() -> None:
    """No question is asked after the answer that was hoped for."""
    answers = iter([1, 2, 3])

    async def ask() -> int:
        return next(answers)

    assert await ask_until(ask, lambda answer: answer == 2, timeout_seconds=10) == 2
    assert next(answers) == 3


async def test_the_last_answer_when_the_time_is_over() -> None:
    """A bad answer is returned for the caller to judge, even without any time."""

    async def ask() -> str:
        return "still busy"

    assert await ask_until(ask, lambda _answer: False, timeout_seconds=0.01) == "still busy"
