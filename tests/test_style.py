"""Types and lint are tests, too: mypy --strict and ruff with all rules, as configured in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.real


@pytest.mark.timeout(300)
@pytest.mark.parametrize("words", [["mypy"], ["ruff", "check", "."], ["ruff", "format", "--check", "."]])
def test_the_code_is_as_strict_as_it_says(words: list[str]) -> None:
    """The tool has nothing to say."""
    said = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == said.returncode, said.stdout + said.stderr
