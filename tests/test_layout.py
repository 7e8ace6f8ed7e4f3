"""The shape of the code: which way imports go, and that names given as text exist."""

import ast
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

APPS = ("connections", "syncing", "availability", "bookings", "calsync")
DOTTED_NAME = re.compile(rf"({'|'.join(APPS)})(\.\w+){{2,}}")


def dotted_names() -> set[str]:
    """What tasks, schedules and settings name as text, where no import checker sees it."""
    files = (file for app in APPS for file in (settings.BASE_DIR / app).rglob("*.py"))
    texts = (
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text for text in texts if DOTTED_NAME.fullmatch(text)}


def test_imports_go_only_downwards():
    """In a process of its own, since it silences the loggers of the one it runs in."""
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", lint, "--no-cache"]
    checked = subprocess.run(
        command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", sorted(dotted_names()))
def test_a_name_given_as_text_can_be_imported(name):
    assert import_string(name)
