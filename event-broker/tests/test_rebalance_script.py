"""The script that writes trigger files, under each shell that there is here, and killed wherever it may be."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "rebalance.sh"
Shell = Sequence[str]
SHELLS: Sequence[Shell] = [
    shell
    for shell in (("dash",), ("bash", "--posix"), ("busybox", "sh"), ("mksh",), ("yash",), ("zsh", "--emulate", "sh"))
    if shutil.which(shell[0])
] or [("sh",)]
PROGRAMS = ("mktemp", "date", "tr", "chmod", "mv")
"""What the script calls, besides what its shell does by itself."""


def run_script(
    folder: Path, *arguments: str, shell: Shell = ("sh",), path: str = "", environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the script as an operator does, with programs of `path` in the place of the system's."""
    variables = {"PATH": f"{path}:{os.environ['PATH']}", "MANUAL_DIRECTORY": str(folder), **(environ or {})}
    command = [*shell, str(SCRIPT), *arguments]
    return subprocess.run(
        command, env=variables, capture_output=True, text=True, check=False, timeout=60, start_new_session=True
    )


def program(directory: Path, name: str, text: str) -> None:
    """Put a program in the place of another; `$real` is the one that it replaces."""
    path = directory / name
    path.write_text(f"#!/bin/sh\nreal={shutil.which(name)}\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def seen(folder: Path) -> list[Path]:
    """What the event-broker sees of a folder."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_script_writes_the_documented_document(tmp_path: Path, shell: Shell) -> None:
    """Four fields, a whole file under a name of its own, readable for the event-broker, and it says what it did."""
    done = run_script(tmp_path, "-account", "DU1", shell=shell)

    [path] = tmp_path.iterdir()
    document = json.loads(path.read_text(encoding="utf-8"))
    assert done.returncode == 0
    assert (document["account_id"], document["exec"], document["source"]) == ("DU1", "print-rebalance", "manual")
    assert list(document) == ["account_id", "exec", "source", "timestamp"]
    assert path.name.startswith("DU1-print-rebalance-")
    assert path.suffix == ".json"
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.name in done.stdout
    assert "LIVE" not in done.stdout


def test_the_script_says_when_it_is_live(tmp_path: Path) -> None:
    """Only the command that trades is announced so."""
    done = run_script(tmp_path, "-account", "DU1", "-exec", "rebalance")

    assert done.stdout.startswith("LIVE: account DU1")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-account",),
        ("-account", ""),
        ("-account", "DU 1"),
        ("-account", "DU1", "-account", "DU2"),
        ("-account", "-exec"),
        ("-account", "DU*"),
        ("-account", "D'U1"),
        ("-account", "$(id)"),
        ("-account", "D\N{LATIN CAPITAL LETTER U WITH DIAERESIS}1"),
        ("-account", "DU\N{FULLWIDTH DIGIT ONE}"),
        ("-account", "../DU1"),
        ("-account", 'DU1", "exec": "rebalance'),
        ("-account", "DU1\nDU2"),
        ("-account", "D" * 33),
        ("-account", "DU1", "-exec"),
        ("-account", "DU1", "-exec", ""),
        ("-account", "DU1", "-exec", "", "-exec", "rebalance"),
        ("-account", "DU1", "-exec", "print-rebalance", "-exec", "rebalance"),
        ("-account", "DU1", "-exec", "Rebalance"),
        ("-account", "DU1", "rebalance"),
        ("DU1",),
    ],
)
@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_script_refuses_wrong_arguments(tmp_path: Path, arguments: tuple[str, ...], shell: Shell) -> None:
    """It exits with 2, says why and how it is used, and writes nothing."""
    done = run_script(tmp_path, *arguments, shell=shell)

    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_script_names_a_missing_folder(tmp_path: Path) -> None:
    """It does not make one, which might belong to the wrong user."""
    done = run_script(tmp_path / "nowhere", "-account", "DU1")

    assert done.returncode == 1
    assert "no folder" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def installed(root: Path) -> Path:
    """The script in a repository of its own, whose name has what names may have; the folder that belongs to it."""
    (root / "tools").mkdir(parents=True)
    shutil.copy(SCRIPT, root / "tools")
    folder = root / "data" / "manual-rebalance"
    folder.mkdir(parents=True)
    return folder


def call(command: Path | str, directory: Path, shell: Shell) -> subprocess.CompletedProcess[str]:
    """Call the script by some name, without telling it a folder."""
    variables = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "CDPATH": "/:/tmp"}
    words = [*shell, str(command), "-account", "DU1"]
    return subprocess.run(words, cwd=directory, env=variables, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("name", ["plain", "with blanks", "new\nline", "dépôt", "-dash", "a'\"$(id)`\\*"])
def test_links_lead_to_the_folder_beside_the_script(tmp_path: Path, shell: Shell, name: str) -> None:
    """An absolute link, a relative one to it, one out of a linked folder, and a linked folder itself."""
    folder = installed(tmp_path / name)
    elsewhere = tmp_path / "elsewhere" / "bin"
    elsewhere.mkdir(parents=True)
    (elsewhere / "first").symlink_to(tmp_path / name / "tools" / "rebalance.sh")
    (elsewhere / "second").symlink_to("first")
    (tmp_path / "bin").symlink_to(elsewhere)
    (elsewhere / "third").symlink_to(f"../../{name}/tools/rebalance.sh")
    (elsewhere / "tools").symlink_to(f"../../{name}/tools")

    links = ["first", "./second", tmp_path / "bin" / "third", Path("tools") / "rebalance.sh"]
    calls = [call(link, elsewhere, shell) for link in links]

    assert [(done.returncode, done.stderr) for done in calls] == [(0, "")] * len(links)
    assert len(seen(folder)) == len(links)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("name", ["-d", "with blanks", "new\nline", "dépôt", "a'\"$(id)`\\*"])
def test_a_folder_may_have_any_name(tmp_path: Path, shell: Shell, name: str) -> None:
    """Relative to where the script is called, and one that looks like an option too."""
    (tmp_path / name).mkdir()
    variables = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "MANUAL_DIRECTORY": name}

    command = [*shell, str(SCRIPT), "-account", "DU1"]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, check=False, timeout=60)

    assert done.returncode == 0
    assert len(seen(tmp_path / name)) == 1


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("text", ["kill -9 0", '"$real" "$@"; kill -9 0'], ids=["before", "after"])
def test_a_killed_script_leaves_a_whole_document_or_none(tmp_path: Path, name: str, text: str) -> None:
    """Before and after each thing that it does outside itself; what else it leaves, the event-broker leaves alone."""
    folder, programs = tmp_path / "in", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    program(programs, name, text)

    done = run_script(folder, "-account", "DU1", "-exec", "rebalance", path=str(programs))

    documents = [json.loads(path.read_text(encoding="utf-8")) for path in seen(folder)]
    assert done.returncode == -9
    assert [document["exec"] for document in documents] == (["rebalance"] if (name, text[0]) == ("mv", '"') else [])


@pytest.mark.parametrize("name", PROGRAMS)
def test_whatever_fails_leaves_nothing_and_is_told(tmp_path: Path, name: str) -> None:
    """The exit code is 1, with a word about it."""
    folder, programs = tmp_path / "in", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    program(programs, name, "exit 1")

    done = run_script(folder, "-account", "DU1", path=str(programs))

    assert done.returncode == 1
    assert done.stderr.startswith("rebalance.sh: cannot ")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell != ("busybox", "sh")], ids=" ".join)
def test_on_a_full_disk_there_is_no_document(tmp_path: Path, shell: Shell) -> None:
    """What cannot be written is not left half-written; busybox calls no mktemp but its own."""
    folder, programs = tmp_path / "in", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    program(programs, "mktemp", 'path=$("$real" "$@") && ln -sf /dev/full "$path" && echo "$path"')

    done = run_script(folder, "-account", "DU1", shell=shell, path=str(programs))

    assert done.returncode == 1
    assert "cannot write" in done.stderr
    assert list(folder.iterdir()) == []


def test_scripts_of_one_moment_do_not_meet(tmp_path: Path) -> None:
    """Each has a name of its own, with the account, the command and the moment in it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "in").mkdir()
    program(programs, "date", "echo 2026-03-02T15:00:00Z")

    for _ in range(5):
        assert run_script(tmp_path / "in", "-account", "DU1", path=str(programs)).returncode == 0

    names = [path.name for path in seen(tmp_path / "in")]
    assert len(names) == 5
    assert all(name.startswith("DU1-print-rebalance-20260302T150000Z-") for name in names)


def test_a_closed_output_does_not_hide_that_the_file_is_there(tmp_path: Path) -> None:
    """The exit code tells of the file, not of what was said about it."""
    command = f"MANUAL_DIRECTORY='{tmp_path}' sh '{SCRIPT}' -account DU1 >/dev/full 2>/dev/null"

    done = subprocess.run(["sh", "-c", command], check=False, timeout=60)

    assert done.returncode == 0
    assert len(seen(tmp_path)) == 1
