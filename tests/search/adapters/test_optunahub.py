"""Packages in the layout of OptunaHub's registry, loaded and used as `optunahub` does."""

from __future__ import annotations

import importlib.util
import re
import runpy
import sys
import types
from pathlib import Path

import optuna
import pytest

import chipgym

PACKAGES = Path(__file__).parents[3] / "examples" / "optunahub" / "package"
NAMES = ["samplers/chipgym", "benchmarks/chipgym"]


class BaseProblem:
    """What optunahub 0.5's has: a call suggests everything of `search_space` and evaluates it."""

    def __call__(self, trial):
        return self.evaluate({name: trial._suggest(name, d) for name, d in self.search_space.items()})


class ConstrainedMixin:
    """What optunahub 0.5's has."""

    def constraints_func(self, trial):
        return self.evaluate_constraints(trial.params.copy())


def load_local_module(package, *, registry_root=str(PACKAGES)):
    """The steps of optunahub 0.5: a module of this name from the folder's `__init__.py`, known before it runs."""
    name = f"optunahub_registry.package.{package.replace('/', '.')}"
    spec = importlib.util.spec_from_file_location(name, Path(registry_root) / package / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def optunahub(monkeypatch):
    """The library where it is installed, or what the packages use of it."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if importlib.util.find_spec("optunahub"):
        library = importlib.import_module("optunahub")
        monkeypatch.setattr(library, "load_module", lambda package, **_: library.load_local_module(
            package, registry_root=str(PACKAGES)))  # fmt: skip
    else:
        library = types.ModuleType("optunahub")
        library.benchmarks = types.SimpleNamespace(BaseProblem=BaseProblem, ConstrainedMixin=ConstrainedMixin)
        library.load_module = library.load_local_module = load_local_module
        monkeypatch.setitem(sys.modules, "optunahub", library)
    yield library
    optuna.logging.set_verbosity(before)
    for name in [name for name in sys.modules if name.startswith("optunahub_registry")]:
        del sys.modules[name]


@pytest.mark.parametrize("package", NAMES)
def test_a_package_has_what_the_registry_asks_for(package):
    folder = PACKAGES / package
    assert {"__init__.py", "README.md", "example.py", "LICENSE", "requirements.txt"} <= {
        p.name for p in folder.iterdir()
    }
    _, front, text = re.split(r"^---\n", (folder / "README.md").read_text(), maxsplit=2, flags=re.MULTILINE)
    fields = dict(line.split(": ", 1) for line in front.splitlines())
    assert set(fields) == {"author", "title", "description", "tags", "optuna_versions", "license"}
    assert package.split("/")[0].removesuffix("s") in fields["tags"]
    assert "## Abstract" in text
    assert "## APIs" in text
    assert "Apache License" in (folder / "LICENSE").read_text()


@pytest.mark.parametrize("package", NAMES)
def test_examples_run(package, capsys, monkeypatch):
    optimize = optuna.Study.optimize
    monkeypatch.setattr(optuna.Study, "optimize", lambda self, f, n_trials: optimize(self, f, min(n_trials, 30)))
    runpy.run_path(str(PACKAGES / package / "example.py"), run_name="__main__")
    assert float(capsys.readouterr().out.split()[0]) >= 0
    (block,) = re.findall(r"^```python\n(.*?)^```$", (PACKAGES / package / "README.md").read_text(), re.S | re.M)
    exec(compile(block, "README.md", "exec"), {})
    assert float(capsys.readouterr().out.split()[0]) >= 0


def test_the_sampler_is_the_librarys(optunahub, toy):
    module = optunahub.load_local_module("samplers/chipgym", registry_root=str(PACKAGES))
    sampler = module.ChipgymSampler(toy, agent="nsga2", seed=0)
    study = optuna.create_study(sampler=sampler)
    study.optimize(chipgym.search.optuna_objective(toy), n_trials=5)
    assert isinstance(sampler, type(chipgym.search.optuna_sampler()))
    assert len(study.trials) == 5


@pytest.mark.parametrize(
    "settings", [{}, {"objective": ["latency_s", "energy_j"], "constraints": ["area_mm2 <= 20", "units >= 2"]}], ids=str
)
def test_a_benchmark_is_a_problem(optunahub, settings):
    module = optunahub.load_local_module("benchmarks/chipgym", registry_root=str(PACKAGES))
    benchmark = module.Problem("toy", budget_mm2=30.0, **settings)
    problem = chipgym.make_problem("toy", budget_mm2=30.0, **settings)
    assert benchmark.directions == [optuna.study.StudyDirection.MINIMIZE] * len(problem.objectives)
    assert isinstance(benchmark, optunahub.benchmarks.BaseProblem)
    study = optuna.create_study(directions=benchmark.directions, sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(benchmark, n_trials=40)
    for trial in study.trials:
        out = problem.evaluate(trial.user_attrs["design"])
        values = tuple(v if v == v else float("inf") for v in out.objectives[0].tolist())
        assert tuple(trial.values) == values
        got = benchmark.evaluate(trial.params)
        assert (got if isinstance(got, tuple) else (got,)) == values
        beyond = benchmark.constraints_func(trial)
        assert len(beyond) == 1 + len(problem.constraints)
        assert sum(max(c, 0.0) for c in beyond) == pytest.approx(out.violation[0]) == trial.constraints["violation"]
    # As `BaseProblem`'s own call does it: every knob, whether or not others make it inactive.
    everything = {name: d.high if hasattr(d, "high") else d.choices[0] for name, d in benchmark.search_space.items()}
    assert benchmark.evaluate(everything) == benchmark.evaluate({**everything, "cache_kb": 0})
    with pytest.raises(chipgym.ChipgymError, match=r"^unknown knob 'unit'; did you mean 'units'"):
        benchmark.evaluate({"unit": 1})
    with pytest.raises(chipgym.ChipgymError, match=r"^units: 6 is no position from 0 to 5"):
        benchmark.evaluate({"units": 6})
