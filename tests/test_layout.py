"""The table of modules in docs/layout.md is what the imports of the package are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gtn_tf"
PAGE = ROOT / "docs" / "layout.md"


def modules_of_the_page() -> list[str]:
    """In their order; `errors.py` or `layers/`."""
    table = PAGE.read_text(encoding="utf-8").partition("| module |")[2]
    return re.findall(r"^\| `([^`]+)` \|", table.partition("\n\n")[0], re.MULTILINE)


def modules_of_the_package() -> set[str]:
    found = set()
    for path in PACKAGE.iterdir():
        if path.is_dir() and path.name != "__pycache__":
            found.add(f"{path.name}/")
        elif path.suffix == ".py" and path.name != "__init__.py":
            found.add(path.name)
    return found


def imported_modules(source: str) -> Iterator[str]:
    """The names of modules that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        for module in modules:
            package, *names = module.split(".")
            if package == "gtn_tf" and names:
                yield names[0]


def test_every_module_is_in_the_table_once():
    modules = modules_of_the_page()
    assert set(modules) == modules_of_the_package()
    assert len(modules) == len(set(modules))


def test_a_module_imports_only_from_those_above_it():
    order = {module: place for place, module in enumerate(modules_of_the_page())}
    by_name = {module.removesuffix("/").removesuffix(".py"): module for module in order}
    upwards = []
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).parts
        module = inside[0] if len(inside) == 1 else f"{inside[0]}/"
        if module == "__init__.py":
            continue  # it imports when it is asked
        for name in imported_modules(path.read_text(encoding="utf-8")):
            other = by_name.get(name)  # None: something of gtn_tf/__init__.py
            if other and other != module and order[other] > order[module]:
                upwards.append(
                    f"{path.relative_to(ROOT)} imports {other}, which is below "
                    f"{module} in docs/layout.md: move a row, or the code"
                )
    assert not upwards, "\n".join(upwards)


def test_imports_are_found():
    source = "import gtn_tf.data\ndef f():\n    from gtn_tf import plots\nimport os\n"
    assert list(imported_modules(source)) == ["data", "plots"]
