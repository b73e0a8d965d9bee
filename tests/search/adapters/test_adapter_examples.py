"""The examples that bring a problem to another library, run as they are but shorter."""

from __future__ import annotations

import io
import json
import runpy
import sys
from pathlib import Path

import optuna
import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a script in an empty folder and returns what it printed."""
    monkeypatch.chdir(tmp_path)
    before = optuna.logging.get_verbosity()

    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / script), run_name="__main__")
        return capsys.readouterr().out

    yield run
    optuna.logging.set_verbosity(before)


def test_a_sweep_goes_on_from_its_storage(run):
    """What a dashboard then shows of it: both studies, values, and which trials keep to the constraint."""
    storage = "sqlite:///sweep.db"
    first = run("optuna_sweep.py", "--trials", 2, "--storage", storage)
    assert first.count("0 trials so far, 2 to go") == 2
    second = run("optuna_sweep.py", "--trials", 3, "--storage", storage)
    assert second.count("2 trials so far, 1 to go") == 2
    studies = optuna.get_all_study_names(storage)
    assert sorted(studies) == ["latency", "latency and energy"]
    trials = optuna.load_study(study_name="latency", storage=storage).trials
    assert len(trials) == 3
    once = run("optuna_sweep.py", "--trials", 3)  # without a storage, and uninterrupted
    assert once.splitlines()[1:3] == second.splitlines()[1:3]

    dashboard = pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    app = dashboard.wsgi(optuna.storages.RDBStorage(storage))
    assert {s["study_name"] for s in get(app, "/api/studies")["study_summaries"]} == set(studies)
    number = next(s["study_id"] for s in get(app, "/api/studies")["study_summaries"] if s["study_name"] == "latency")
    shown = get(app, f"/api/studies/{number}")["trials"]
    assert [[float(value) for value in trial["values"]] for trial in shown] == [trial.values for trial in trials]
    assert [trial["constraints"] for trial in shown] == [[trial.constraints["violation"]] for trial in trials]


def get(app, path):
    """What a browser gets from a WSGI application."""
    status = []
    environment = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "here", "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http",
    }  # fmt: skip
    body = b"".join(app(environment, lambda line, headers, error=None: status.append(line)))
    assert status == ["200 OK"], body[-2000:]
    return json.loads(body)


def test_fronts_of_pymoo(run):
    pytest.importorskip("pymoo")
    printed = run("pymoo_front.py", "--generations", 5)
    assert "NSGA2: " in printed
    assert "NSGA3: " in printed


def test_bayesian_optimisation_with_botorch(run):
    torch = pytest.importorskip("torch")
    pytest.importorskip("botorch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        assert "times better than the default's" in run("botorch_search.py", "--evaluations", 9, "--first", 8)
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_trials_on_ray_tune(run):
    pytest.importorskip("ray.tune", exc_type=ImportError)
    assert "feasible: " in run("ray_tune.py", "--trials", 3)
