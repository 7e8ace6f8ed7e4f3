"""The shape of the code: which way imports go."""

from importlinter.cli import lint_imports


def test_imports_go_only_downwards():
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0
