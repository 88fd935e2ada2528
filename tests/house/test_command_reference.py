"""docs/cli.md says of every option what `--help` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from glossator.cli import app

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
COMMANDS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]


def row(param: Any) -> str:
    """The line of the reference for one option, in the words of its help."""
    takes = f" {param.metavar}" if param.metavar else ""
    default = "" if param.default is None or param.default is False else f"`{param.default}`"
    return f"| `{param.opts[0]}{takes}` | {param.help} | {default} |".replace(
        "|prompt`", r"\|prompt`"
    )


def section(command: str) -> str:
    text = PAGE.read_text(encoding="utf-8")
    return text.split(f"\n## `glossator {command}`\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_option_is_in_the_reference_and_no_other(command: str) -> None:
    options = [param for param in COMMANDS[command].params if param.param_type_name == "option"]
    expected = [row(param) for param in options]
    written = [line for line in section(command).splitlines() if line.startswith("| `--")]
    assert written == expected, "\n".join(["write:", *expected])


def test_every_command_has_a_section() -> None:
    titles = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if "## `" in line]
    assert titles == [f"## `glossator {command}`" for command in COMMANDS]
