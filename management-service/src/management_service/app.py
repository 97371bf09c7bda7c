"""The application, made from its dependencies."""

from fastapi import FastAPI
from starlette.routing import Route

from management_service import events_api, health_api, history_api, mending_api, queue_api, trading_api
from management_service.access_log import AccessLog
from management_service.dependencies import Dependencies
from management_service.metrics import metrics_api
from management_service.openapi import describe
from management_service.origin_form import OriginForm
from management_service.problem_handlers import add_problem_handlers
from management_service.traffic import TrafficMeter
from management_service.turnstile import Turnstile

_TITLE = "IBKR portfolio rebalancer"
_VERSION = "0.1.0"
_DESCRIPTION = "Health of the system, state of its queue, and the ways in which operators change it and stop trading."


def create_app(dependencies: Dependencies) -> FastAPI:
    """Build the application; it opens nothing and owns nothing, so the caller closes what it passed in."""
    app = FastAPI(
        title=_TITLE,
        version=_VERSION,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.dependencies = dependencies
    routes = [route for route in app.routes if isinstance(route, Route)]
    for part in (health_api, queue_api, events_api, history_api, trading_api, mending_api, metrics_api):
        app.include_router(part.router)
        routes += [route for route in part.router.routes if isinstance(route, Route)]
    add_problem_handlers(app, routes)
    app.add_middleware(Turnstile)
    app.add_middleware(TrafficMeter, traffic=dependencies.traffic, routes=routes)
    app.add_middleware(AccessLog)
    app.add_middleware(OriginForm)
    app.openapi = lambda: describe(app)
    return app
