"""The tree stays readable: budgets for modules, functions and tests, and words that no file name may use."""

import ast
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = [*ROOT.glob("packages/*/src"), *ROOT.glob("*/src")]
TEST_ROOTS = [*ROOT.glob("packages/*/tests"), *ROOT.glob("*/tests"), ROOT / "tests"]
VAGUE_NAMES = {"utils", "util", "helpers", "common", "misc"}


@dataclass(frozen=True, slots=True)
class Function:
    """A function and its length without docstring."""

    where: str
    lines: int


def modules(roots: list[Path]) -> list[Path]:
    return sorted({path for root in roots for path in root.rglob("*.py")})


def line_count(path: Path) -> int:
    return len(path.read_text().splitlines())


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            documented = len(docstring.splitlines()) if docstring else 0
            length = (node.end_lineno or node.lineno) - node.lineno + 1 - documented
            yield Function(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", length)


SOURCES = modules(SOURCE_ROOTS)
TESTS = modules(TEST_ROOTS)


@pytest.mark.parametrize(("paths", "limit"), [(SOURCES, 400), (TESTS, 500)], ids=["source", "tests"])
def test_no_module_is_too_long(paths: list[Path], limit: int) -> None:
    """A module over its limit holds more than one idea."""
    too_long = {str(path.relative_to(ROOT)): line_count(path) for path in paths if line_count(path) > limit}

    assert too_long == {}


def test_most_modules_are_short() -> None:
    """Nine of ten modules fit in 250 lines."""
    lengths = sorted(line_count(path) for path in SOURCES)

    assert lengths[len(lengths) * 9 // 10] <= 250


def test_no_function_is_over_forty_lines() -> None:
    """A reader sees every function whole."""
    too_long = [function for path in SOURCES for function in functions(path) if function.lines > 40]

    assert too_long == []


def test_the_usual_function_is_short() -> None:
    """Half of all functions have eight lines or fewer."""
    assert statistics.median(function.lines for path in SOURCES for function in functions(path)) <= 8


def test_no_module_has_a_vague_name() -> None:
    """A name says what is inside."""
    vague = [str(path.relative_to(ROOT)) for path in [*SOURCES, *TESTS] if path.stem in VAGUE_NAMES]

    assert vague == []


def test_every_module_of_the_product_says_what_it_is() -> None:
    """Each module opens with a docstring."""
    silent = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []
