"""Where a value may stand in a shell command. The judge is the shell itself."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runner.graph.shell import troubles
from runner.graph.values import Expression, Template, command_text, parse

SAFE = [
    "echo @",
    "echo --name=@ -x",
    "echo @ @",
    "echo 'it is' @",
    'echo "$HOME" @',
    'echo "it\'s" @',
    "echo 'say \"x\"' @",
    'echo "a \\" b" @',
    "echo it\\'s @",
    'echo \\" @',
    "# don't\necho @",
    "echo a#b @",
    "echo $# @",
    "echo ${#x} @",
    'echo "${x:-y}" @',
    "echo $(printf %s @)",
    'echo "$(printf %s @)"',
    'echo "a $(printf "%s" @) b" @',
    "echo `date` @",
    "(echo @)",
    "{ echo @; }",
    "if true; then echo @; fi",
    "case a in a) echo @;; esac",
    "cat <<END\nbody 'quote\nEND\necho @",
    "cat <<-'END'\n\tit's\n\tEND\necho @",
    "echo <<END @\nbody\nEND",
    "echo $((1 + 2)) @",
    "echo $(( (1 + 2) * 3 )) @",
    "echo 'a'@",
    'echo "a"@"b"',
    "X=@ env",
    "echo a \\\n  @",
]
UNSAFE = [
    "echo `printf %s @`",
    "echo `echo $(printf %s @)`",
    "echo '@'",
    'echo "@"',
    'echo "it\'s @"',
    'echo "a $(echo "@")"',
    'echo "a `echo b` @"',
    "echo $'a @'",
    "echo a # @",
    "# @\necho",
    "echo \\\n# @",
    "cat <<END\n@\nEND",
    "cat <<'END'\n@\nEND",
    "cat <<-END\n\ta\n\t@\n\tEND",
    "cat <<A <<B\n1\nA\n@\nB",
    "cat <<END\n$(\nEND\n)@",
    "echo $((@ + 1))",
    "echo \\@",
    "echo $@",
    'echo "${x:-@}"',
    'echo "${x:-"@"}"',
    'echo "$(case x in a) echo "@";; esac)"',
]
HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "x\ntouch pwned\n",
    "\\",
    "\\'",
    "$(touch pwned",
    "a b  c",
    "*",
    "",
    "END\ntouch pwned",
    "#",
    "ü ∞",
]


def parts_of(command: str) -> Any:
    """Parse the command with an expression wherever `@` stands."""
    return parse(command.replace("@", "${{ params.x }}"))


def judged(command: str) -> list[str]:
    """Say what each value of a command is judged to be in."""
    value = parts_of(command)
    parts = value.parts if isinstance(value, Template) else (value,)
    return troubles(None if isinstance(part, Expression) else part for part in parts)


@pytest.mark.parametrize("command", SAFE)
def test_a_value_may_stand_wherever_a_word_may(command: str) -> None:
    """Outside of quotes, comments and here-documents a value is a word of its own."""
    assert {""} == set(judged(command))


@pytest.mark.parametrize("command", UNSAFE)
def test_a_value_may_not_stand_where_quoting_is_void(command: str) -> None:
    """Where the quotes around a value would be ordinary characters, the value is refused."""
    assert judged(command)[-1]


@pytest.mark.real
def test_no_value_is_ever_run_where_values_may_stand(tmp_path: Path) -> None:
    """In every place that is called safe, a shell hands a hostile value on as it is and runs none of it."""
    shown = "show() { for each; do printf '<%s>' \"$each\"; done; }\n"
    wrong = []
    shells = [shell for shell in ("sh", "bash") if shutil.which(shell)]
    for shell, command, value in itertools.product(shells, SAFE, HOSTILE):
        text = command_text(parts_of(command), {"params": {"x": value}})
        text = shown + text.replace("echo", "show")
        done = subprocess.run([shell, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=False)
        if (tmp_path / "pwned").exists():
            wrong.append((command, value, "it was run"))
            (tmp_path / "pwned").unlink()
        if done.returncode:
            wrong.append((command, value, done.stderr))
        if command in ("echo @", "(echo @)", "# don't\necho @") and done.stdout != f"<{value}>":
            wrong.append((command, value, done.stdout))

    assert [] == wrong


@pytest.mark.real
def test_the_unsafe_places_are_unsafe_indeed(tmp_path: Path) -> None:
    """Most of the places that are refused would run a hostile value, so refusing them is no fuss."""
    run = set()
    for command, value in itertools.product(UNSAFE, HOSTILE):
        text = command_text(parts_of(command), {"params": {"x": value}})
        subprocess.run(["/bin/sh", "-c", text], cwd=tmp_path, capture_output=True, check=False, timeout=10)
        if (tmp_path / "pwned").exists():
            run.add(command)
            (tmp_path / "pwned").unlink()

    assert len(run) >= 9
