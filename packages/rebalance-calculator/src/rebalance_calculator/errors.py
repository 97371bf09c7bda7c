"""What can be wrong with the inputs of a plan; all of it is found before any order exists.

CalculationError
├── AllocationError    the published weights make no sense: trade nothing, ask for them again later
├── ReplacementError   the account's replacement set does not fit the weights: fix the configuration
└── PlanError          snapshot, weights and prices do not belong together: read them again
"""


class CalculationError(Exception):
    """Root of everything that the calculator raises."""


class AllocationError(CalculationError):
    """A published weight, or their sum, is outside of what may be traded on."""


class ReplacementError(CalculationError):
    """A replacement rule is malformed, or its extra weight does not fit into the rest."""


class PlanError(CalculationError):
    """A plan cannot be made from these inputs."""
