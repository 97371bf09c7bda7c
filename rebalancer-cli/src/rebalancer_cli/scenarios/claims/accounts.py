"""Claims about the account, judged by the simulated brokerage's own figures."""

from rebalancer_cli.demo.verdict import arrival_objections, reserve_objections
from rebalancer_cli.scenarios.evidence import Evidence
from rebalancer_cli.scenarios.scenario import Claim


def arrived() -> Claim:
    """Every position is within a share of its target, and the reserve is kept."""

    def objection(evidence: Evidence) -> str:
        return "; ".join(arrival_objections(evidence.story))

    return Claim("every position is at its target, the cash reserve is kept", objection)


def bought_from_real_cash() -> Claim:
    """Something was bought, and the reserve is still there."""

    def objection(evidence: Evidence) -> str:
        if not any(entry.side == "BUY" for entry in evidence.end.placed):
            return "nothing was bought"
        return "; ".join(reserve_objections(evidence.story))

    return Claim("buys were paid with cash that was there, the reserve is kept", objection)
