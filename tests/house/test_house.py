"""The house: arrows run one way, files stay small, public names are what they are said to be."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import wellfit

ROOT = Path(wellfit.__file__).parent
LAYERS = ["regularizers", "training", "searching", "ensembles", "diagnosis", "job", "own", "cli"]
"""Each may import those before it, never those behind it."""
FACES = {"keras", "lightning", "huggingface", "sklearn"}
"""Public modules of one line each, for the adapter behind them."""
CORE = {
    "errors", "fold", "knobs", "stacking", "regularizer", "draws", "hashes", "normals", "target", "sites", "recipe",
    "recipe_json", "wrappers", "dials", "files", "middleware", "joint",
}  # fmt: skip


def _imports(path: Path) -> set[str]:
    """Top-level imports of wellfit modules, those for type checkers left out."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("wellfit"):
            found.add(node.module)
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("wellfit")}
    return found


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows_run_one_way(path):
    parts = path.relative_to(ROOT).parts
    layer = parts[0] if len(parts) > 1 else None
    for module in _imports(path):
        target = module.split(".")[1] if "." in module else ""
        if layer in LAYERS and target in LAYERS:
            assert LAYERS.index(target) <= LAYERS.index(layer), f"{path.name} imports {module}"
        if layer is None and path.stem in CORE:
            allowed = CORE | ({"regularizers"} if path.stem == "recipe_json" else set())
            assert target in allowed, f"the core imports {module}"
        if layer == "kernels":
            assert target == "kernels", f"{path.name} imports {module}"
        if layer == "data":
            assert target in {"data", "errors"}, f"{path.name} imports {module}"
        if layer == "report":
            assert target not in {"job", "cli", "searching", "training"}, f"{path.name} imports {module}"
        if target == "cli":
            assert layer == "cli" or path.name == "__main__.py", f"{path.name} imports {module}"
        if target == "adapters":  # Recipe.attach reaches them when it is called, nothing when it is imported
            assert layer == "adapters" or path.stem in FACES, f"{path.name} imports {module}"
        if layer in ("exporter", "importers", "own"):
            assert target not in {"adapters", "cli"}, f"{path.name} imports {module}"
        if layer == "gallery":  # nothing of the library draws, but the command line
            assert target not in {"job", "cli", "own", "adapters"}, f"{path.name} imports {module}"
        if target == "gallery":
            assert layer in {"gallery", "cli"}, f"{path.name} imports {module}"
        if layer == "proof":
            assert target in {"proof", "errors"}, f"{path.name} imports {module}"


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_small(path):
    assert len(path.read_text().splitlines()) <= 300


def test_public_names_are_there_and_sorted():
    names = wellfit.__all__
    assert names == sorted(names)
    for name in names:
        assert getattr(wellfit, name) is not None
    assert set(dir(wellfit)) >= set(names)
    with pytest.raises(AttributeError):
        _ = wellfit.no_such_name


def _loaded(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_costs_little():
    assert not {"torch", "pandas", "sklearn", "optuna", "numpy"} & _loaded("import wellfit")
    heavy = {"pandas", "sklearn", "optuna", "scipy", "matplotlib", "rich", "typer"}
    assert not heavy & _loaded("import wellfit; wellfit.Recipe(wellfit.Dropout(.1))")


def test_recipes_are_read_in_a_fresh_process():
    form = '{"format": "wellfit.recipe", "version": 1, "regularizers": [{"L2": {"strength": 0.001}}]}'
    code = f"import json, wellfit; print(wellfit.Recipe.from_json(json.loads({form!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "L2(strength=0.001)" in done.stdout
