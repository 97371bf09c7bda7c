"""Which management service a command speaks to."""

import os
from pathlib import Path

from rebalancer_cli.project import Project
from rebalancer_cli.stack.management_api import ManagementApi

_DEFAULT_URL = "http://127.0.0.1:8000"


def target_api(url: str, key: str = "", *, start: Path | None = None) -> ManagementApi:
    """The service at `url` with `key`; without them the one of the project that this folder lies in, with its key.

    A key of the project is never sent to an address that was named by hand.
    """
    if url:
        return ManagementApi(url, key or None)
    project = Project.find(start or Path.cwd(), os.environ)
    if project is None:
        return ManagementApi(_DEFAULT_URL, key or None)
    here = f"http://{project.management_host}:{project.management_port}"
    return ManagementApi(here, key or _key_of(project))


def _key_of(project: Project) -> str | None:
    given = project.setting("management", "api_key")
    if given or not project.key_file.exists():
        return given
    return project.key_file.read_text("utf-8").strip() or None
