"""The route that Prometheus scrapes."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest

from management_service.dependencies import Injected
from management_service.health_check import check_health
from management_service.metrics.system import SystemCollector
from management_service.responses import problems

router = APIRouter(tags=["metrics"])


class MetricsResponse(PlainTextResponse):
    """Prometheus's text format."""

    media_type = CONTENT_TYPE_PLAIN_0_0_4


@router.get("/metrics", response_class=MetricsResponse, responses=problems(503))
async def get_metrics(dependencies: Injected) -> MetricsResponse:
    """The system and its API for Prometheus, at the same cost however long the queue is.

    Redis and PostgreSQL may be away: then `rebalancer_redis_up` and `rebalancer_postgres_up` are 0, and what only they
    know is left out.
    """
    health = await check_health(dependencies)
    found = CollectorRegistry()
    found.register(SystemCollector(health, throttled=dependencies.key_guessing.refused))
    return MetricsResponse(generate_latest(found) + generate_latest(dependencies.traffic.registry))
