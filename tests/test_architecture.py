"""What the folders promise about one another, read from the source of every module."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A room may import from those before it, and from itself.
ROOMS = ("datasets", "simulators", "surrogates", "envs", "search", "mcp", "cli")
# Those that stand in the package itself; the others are links into it.
INSIDE = ("mcp", "cli")
# Imported inside functions, or by modules that are themselves only imported where they are used.
HEAVY = {
    "numba", "sklearn", "scipy", "optuna", "sqlalchemy", "torch", "torch_geometric", "stable_baselines3", "sb3_contrib",
    "ray", "plotly", "pandas", "pyarrow", "PIL", "onnx", "botorch", "gpytorch", "pymoo", "cmaes", "mcp", "pydantic",
    "anyio",
}  # fmt: skip
# Modules that `import chipgym`, `chipgym.search` and the command bring in; what they reach must be light too.
LIGHT = ("chipgym", "chipgym.search", "chipgym.surrogates", "chipgym.cli")


def package_files() -> dict[str, Path]:
    """File by dotted module name, rooms and what stands beside them."""
    package = ROOT / "src" / "chipgym"
    folders = {room: (package if room in INSIDE else ROOT) / room for room in ROOMS}
    files = {f"chipgym.{p.stem}": p for p in package.glob("*.py")}
    for room, folder in folders.items():
        for path in folder.rglob("*.py"):
            files[".".join(("chipgym", room, *path.relative_to(folder).with_suffix("").parts))] = path
    return {name.removesuffix(".__init__"): path for name, path in files.items()}


FILES = package_files()


@functools.cache
def tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


def typing_only(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def statements(body: list[ast.stmt], functions: bool) -> Iterator[ast.stmt]:
    """Every statement that runs on import, those inside functions too where `functions` says so."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and typing_only(node):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not functions:
            continue
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt | ast.ExceptHandler):
                yield from statements(child.body if isinstance(child, ast.ExceptHandler) else [child], functions)


def imports(module: str, functions: bool) -> set[str]:
    """Absolute names that a module imports, relative imports resolved; not those for type checkers alone."""
    is_package = FILES[module].name == "__init__.py"
    out = set()
    for node in statements(tree(module).body, functions):
        if isinstance(node, ast.Import):
            out |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".") if is_package else module.split(".")[:-1]
            base = parts[: len(parts) - node.level + 1] if node.level else []
            source = ".".join((*base, *((node.module,) if node.module else ())))
            # `from . import kernel` imports a module, `from .kernel import count` imports from one.
            out |= {f"{source}.{a.name}" if f"{source}.{a.name}" in FILES else source for a in node.names}
    return out


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "chipgym" and parts[1] in ROOMS else None


def test_every_room_was_found():
    assert {room_of(m) for m in FILES} == {*ROOMS, None}
    assert len(FILES) > 60
    assert "chipgym.simulators.core.metrics" in imports("chipgym.simulators.core.problem", functions=False)


@pytest.mark.parametrize("module", [m for m in FILES if room_of(m)])
def test_imports_point_one_way(module):
    """Inside functions too: an import that is put off is an import all the same."""
    here = ROOMS.index(room_of(module))
    for target in imports(module, functions=True):
        if (room := room_of(target)) is not None:
            assert ROOMS.index(room) <= here, f"{module} imports {target}"


@pytest.mark.parametrize("module", [m for m in FILES if room_of(m) not in (None, "cli")])
def test_rooms_import_one_another_relatively(module):
    """One way to write it, which does not depend on what the package is installed as."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom):
            assert node.level or (node.module or "").split(".")[0] != "chipgym", f"{module}: line {node.lineno}"
        elif isinstance(node, ast.Import):
            assert all(a.name.split(".")[0] != "chipgym" for a in node.names), f"{module}: line {node.lineno}"


def test_no_cycles():
    """Among imports that run when modules are loaded."""
    graph = {m: {t for t in imports(m, functions=False) if t in FILES and t != m} for m in FILES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module in done:
            return
        for target in sorted(graph[module]):
            # A package's __init__ runs before its modules do; that its modules name the package is no cycle of theirs.
            if not module.startswith(f"{target}."):
                visit(target, (*path, module))
        done.add(module)

    for module in sorted(graph):
        visit(module, ())


def reached(start: str) -> dict[str, str]:
    """Modules that importing `start` brings in, each with the one that imports it."""
    found = {start: start}
    queue = [start]
    while queue:
        module = queue.pop()
        wanted = {t for t in imports(module, functions=False) if t in FILES}
        for target in wanted:
            parents = [".".join(target.split(".")[:i]) for i in range(1, target.count(".") + 2)]
            for name in parents:
                if name in FILES and name not in found:
                    found[name] = module
                    queue.append(name)
    return found


@pytest.mark.parametrize("start", LIGHT)
def test_heavy_libraries_are_imported_where_they_are_used(start):
    for module in reached(start):
        heavy = {t.split(".")[0] for t in imports(module, functions=False)} & HEAVY
        assert not heavy, f"{module} imports {', '.join(heavy)} as soon as {start} is imported"


@pytest.mark.parametrize("module", FILES)
def test_nothing_is_unpickled(module):
    """A store, a data set or a model from someone else must not be able to run code."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {a.name for a in node.names} | {getattr(node, "module", None) or ""}
            assert not {n.split(".")[0] for n in names} & {
                "pickle",
                "cPickle",
                "dill",
                "cloudpickle",
                "joblib",
                "shelve",
            }
        if isinstance(node, ast.Attribute) and node.attr == "load" and isinstance(node.value, ast.Name):
            assert node.value.id != "torch", f"{module}: line {node.lineno}: torch.load"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is False, f"{module}: allow_pickle"


#: Seeds the state that learning libraries draw from while they are at work, and puts it back as it was.
ISOLATION = "chipgym.search.agents.rl.isolation"


@pytest.mark.parametrize("module", FILES)
def test_rooms_are_quiet_and_their_randomness_is_handed_to_them(module):
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"{module}: line {node.lineno}: print"
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("np.random", "numpy.random"):
            allowed = {"Generator", "default_rng", "SeedSequence", "BitGenerator", "PCG64"}
            allowed |= {"seed", "get_state", "set_state"} if module == ISOLATION else set()
            assert node.attr in allowed, (
                f"{module}: line {node.lineno}: np.random.{node.attr} is one state for everybody"
            )
        if isinstance(node, ast.Import):
            assert "random" not in {a.name for a in node.names}, f"{module}: line {node.lineno}: import random"


@pytest.mark.parametrize("module", FILES)
def test_no_function_is_called_like_a_room(module):
    """`chipgym.search` is a module; a function of that name beside it would hide one of the two."""
    for node in tree(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            assert node.name not in ROOMS, f"{module}: {node.name}"


@pytest.mark.parametrize("module", FILES)
def test_no_path_is_added_while_running(module):
    assert "sys.path" not in FILES[module].read_text(encoding="utf-8")


def test_rooms_are_links_into_the_package():
    for room in ROOMS[: -len(INSIDE)]:
        link = ROOT / "src" / "chipgym" / room
        assert link.is_symlink()
        assert link.resolve() == ROOT / room


def test_public_names_exist():
    """What a room says it offers is there, once."""
    import chipgym

    for room in (chipgym, *(getattr(chipgym, r) for r in ("datasets", "envs", "simulators", "search", "surrogates"))):
        names = getattr(room, "__all__", [])
        assert len(names) == len(set(names))
        for name in names:
            assert hasattr(room, name), f"{room.__name__}.{name}"


# The rooms of a machine's folder, beside what stands at its top.
FLOOR_PLAN = {"lowering", "model", "tables", "reference"}
MACHINES = sorted(p.parent.name for p in (ROOT / "simulators").glob("*/model") if p.is_dir())


def machine_modules(machine: str) -> list[str]:
    return [m for m in FILES if m.startswith(f"chipgym.simulators.{machine}.")]


def all_imports(module: str) -> set[str]:
    """As `imports`, those for type checkers too."""
    return imports(module, functions=True) | {
        f"{'.'.join(module.split('.')[: -node.level])}.{node.module}"
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ImportFrom) and node.level and node.module and FILES[module].name != "__init__.py"
    }


@pytest.mark.parametrize("machine", MACHINES)
def test_machines_have_one_floor_plan(machine):
    folder = ROOT / "simulators" / machine
    assert {p.name for p in folder.iterdir()} >= {"__init__.py", "simulator.py", "space.py", "metrics.py"}
    assert {p.parent.name for p in folder.glob("*/__init__.py")} >= FLOOR_PLAN
    assert not list(folder.glob("*.json")), "data lie in tables/"


@pytest.mark.parametrize("machine", MACHINES)
def test_what_a_simulator_is_made_of_does_not_know_it(machine):
    """Limits, costs and breakdowns take plain data, for type checkers too."""
    simulator = f"chipgym.simulators.{machine}.simulator"
    for module in machine_modules(machine):
        if ".reference." not in module and module != simulator:
            assert simulator not in all_imports(module), module


@pytest.mark.parametrize("machine", MACHINES)
def test_compiled_code_sees_arrays_alone(machine):
    for module in machine_modules(machine):
        if f".{machine}.model." in module and "chipgym.simulators.core.compiled" in all_imports(module):
            inside = {t for t in all_imports(module) if t.startswith(f"chipgym.simulators.{machine}.")}
            rooms = {target.split(".")[3] for target in inside}
            assert rooms <= {"model", "tables"}, f"{module} imports {inside}"


@pytest.mark.parametrize("module", FILES)
def test_first_words_of_docstrings_are_short(module):
    """At most 25 words a sentence, in what a reader sees first; ruff looks at the rest of their form."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            for sentence in re.split(r"(?<=[.;:]) ", text.split("\n\n")[0].replace("\n", " ")):
                assert len(sentence.split()) <= 25, f"{module}: {sentence}"
