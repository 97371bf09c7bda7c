"""Routes that monitoring and container probes ask."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from management_service.dependencies import Injected
from management_service.errors import Refused
from management_service.health import ComponentHealth, Health, Verdict
from management_service.health_check import check_health
from management_service.problems import Problem
from management_service.responses import problems
from management_service.schemas import ProbeDocument

router = APIRouter(prefix="/health", tags=["health"])

_EXAMPLE: dict[str, Any] = {
    "status": "healthy",
    "healthy": True,
    "events_with_retries": 0,
    "message": "No events require retry",
    "components": {"gateway": {"status": "ok", "detail": "connected", "age_seconds": 2, "trading_mode": "paper"}},
}


class ComponentDocument(BaseModel):
    """One part of the system; its facts stand beside these fields."""

    model_config = ConfigDict(extra="allow")

    status: str
    """ok, degraded, down or unknown."""
    detail: str
    age_seconds: int | None


class HealthDocument(BaseModel):
    """Answer of GET /health."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    status: Verdict
    healthy: bool
    events_with_retries: int | None
    message: str
    components: dict[str, ComponentDocument]


@router.get(
    "", responses={503: {"model": HealthDocument, "description": "Retries, a halt, a silent part, or an error"}}
)
async def get_health(dependencies: Injected, response: Response) -> HealthDocument:
    """Healthy while no event is retried, Redis takes events and agrees with history, and each part is heard of."""
    health = await check_health(dependencies)
    if health.verdict is not Verdict.HEALTHY:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return _document(health)


@router.get("/live")
async def get_liveness() -> ProbeDocument:
    """The process is up."""
    return ProbeDocument(status="alive")


@router.get("/ready", responses=problems(503))
async def get_readiness(dependencies: Injected) -> ProbeDocument:
    """Redis answers and takes writes, so that every request can be served."""
    await dependencies.admin.ping()
    refusals = (await dependencies.admin.condition()).refusals
    if refusals:
        raise Refused(_takes_no_writes(refusals))
    return ProbeDocument(status="ready")


def _takes_no_writes(refusals: Sequence[str]) -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"Redis takes no writes now: {'; '.join(refusals)}",
        kind="queue-read-only",
        title="The queue can only be read",
    )


def _document(health: Health) -> HealthDocument:
    return HealthDocument(
        status=health.verdict,
        healthy=health.verdict is Verdict.HEALTHY,
        events_with_retries=health.events_with_retries,
        message=health.message,
        components={name: _component(part) for name, part in health.components.items()},
    )


def _component(part: ComponentHealth) -> ComponentDocument:
    """The part with its facts beside its own fields, which win over facts of the same name."""
    own = {"status": part.state.value, "detail": part.detail, "age_seconds": part.age_seconds}
    return ComponentDocument.model_validate({**part.facts, **own})
