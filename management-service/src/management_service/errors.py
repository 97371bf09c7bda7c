"""What the API answers instead of a result.

ManagementError
└── Refused   the request gets this problem as its answer
"""

from management_service.problems import Problem


class ManagementError(Exception):
    """Root of the errors of this package."""


class Refused(ManagementError):
    """The request cannot be served; `problem` says why, to the client."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail)
