"""Reading a project's folder."""

from pathlib import Path

import pytest

from rebalancer_cli.errors import ProjectIncomplete
from rebalancer_cli.project import Project
from rebalancer_cli.up import local_key, plan_up


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small but complete project."""
    (tmp_path / "init.sql").write_text("SELECT 1;")
    (tmp_path / "accounts.yaml").write_text('- account_id: "DU1"\n  notification: {channel: mine}\n')
    return tmp_path


def test_a_project_is_found_from_below(folder: Path) -> None:
    """Any folder inside the project will do."""
    (folder / "a" / "b").mkdir(parents=True)

    assert Project.require(folder / "a" / "b", {}).folder == folder


def test_no_project_is_told_with_its_remedy(tmp_path: Path) -> None:
    """Elsewhere the message says where to run it."""
    with pytest.raises(ProjectIncomplete, match=r"no init\.sql in .* run this in the project's folder"):
        Project.require(tmp_path, {})


def test_the_environment_stands_over_the_file(folder: Path) -> None:
    """Environment, .env, config.yaml, default: the first that is not empty wins."""
    (folder / ".env").write_text("MANAGEMENT_PORT=8001\nMANAGEMENT_HOST=\nLOG_LEVEL=DEBUG\n")
    (folder / "config.yaml").write_text("management:\n  host: 127.0.0.2\n  port: 8002\n")

    assert Project.require(folder, {"MANAGEMENT_PORT": "8003"}).management_port == 8003
    assert Project.require(folder, {"MANAGEMENT_PORT": ""}).management_port == 8001
    assert Project.require(folder, {}).management_host == "127.0.0.2"
    assert Project.require(folder, {}).environment["LOG_LEVEL"] == "DEBUG"


def test_a_port_from_config_yaml_is_used(folder: Path) -> None:
    """Without a variable the file counts, and `${...}` in it as not set."""
    (folder / "config.yaml").write_text("management:\n  port: 8002\n  api_key: ${MANAGEMENT_API_KEY}\n")
    project = Project.require(folder, {})

    assert project.management_port == 8002
    assert project.setting("management", "api_key") is None


def test_a_service_that_listens_everywhere_is_reached_here(folder: Path) -> None:
    """0.0.0.0 is no address to connect to."""
    assert Project.require(folder, {"MANAGEMENT_HOST": "0.0.0.0"}).management_host == "127.0.0.1"  # noqa: S104 - read only


@pytest.mark.parametrize("port", ["x", "-1", "8e3"])
def test_a_port_that_is_none(folder: Path, port: str) -> None:
    """The message names the setting."""
    with pytest.raises(ProjectIncomplete, match="MANAGEMENT_PORT"):
        _ = Project.require(folder, {"MANAGEMENT_PORT": port}).management_port


@pytest.mark.parametrize(("text", "words"), [("a: b", "list of accounts"), ("- [", "is not YAML")])
def test_accounts_that_cannot_be_read(folder: Path, text: str, words: str) -> None:
    """The message names the file."""
    (folder / "accounts.yaml").write_text(text)

    with pytest.raises(ProjectIncomplete, match=rf"accounts\.yaml.*{words}"):
        Project.require(folder, {}).accounts()


def test_missing_accounts(folder: Path) -> None:
    """`ACCOUNTS_FILE` names another file; a missing one is told by its path."""
    with pytest.raises(ProjectIncomplete, match=r"cannot read .*mine\.yaml"):
        plan_up(Project.require(folder, {"ACCOUNTS_FILE": "mine.yaml"}), simulated=False)


def test_the_api_key_is_made_once_and_private(folder: Path) -> None:
    """The file is its owner's alone, an empty one is filled, and the key stays."""
    project = Project.require(folder, {})
    project.data.mkdir()
    project.key_file.write_text("")

    key = local_key(project)

    assert len(key) >= 24
    assert project.key_file.stat().st_mode & 0o777 == 0o600
    assert local_key(project) == key


def test_a_trial_never_shares_data_with_the_real_thing(folder: Path) -> None:
    """An event left in the simulated world must not run against a brokerage."""
    project = Project.require(folder, {"MANAGEMENT_API_KEY": "mine"})
    trial, real = plan_up(project, simulated=True), plan_up(project, simulated=False)

    assert trial.data != real.data
    assert trial.world is not None
    assert real.world is None
    assert trial.api_key == "mine"
    assert not project.key_file.exists()
