"""The newest redis-py, which is not the pinned one: lost replies and our own connections, tried once more with it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import redis

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent
AGAIN = (
    "tests/integration/queue/test_lost_replies.py",
    "packages/event-queue/tests/test_quick_connection.py",
    "packages/event-queue/tests/test_known_run.py",
)
RUN = "import pytest, redis, sys; print('redis-py', redis.__version__); sys.exit(pytest.main(sys.argv[1:]))"


def wanted_version() -> str:
    found = re.search(r"^redis==(\S+)", (HERE / "newest-redis.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return found[1]


def test_lost_replies_do_no_harm_with_the_newest_redis_py_either(pytestconfig: pytest.Config) -> None:
    """The same tests pass in a process of their own, whose redis-py is of another major version than ours."""
    root, version = pytestconfig.rootpath, wanted_version()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = str(Path(sys.prefix) / "newest-redis")

    ran = subprocess.run(
        [sys.executable, "-c", RUN, "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *AGAIN],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert ran.stdout.startswith(f"redis-py {version}\n"), f"run `make install` first; found {ran.stdout[:40]!r}"
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert version.split(".")[0] != redis.__version__.split(".")[0]
