"""A report in a real browser: everything is drawn, hover and selection work, nothing is loaded, nothing overflows.

Screenshots are left in pytest's temporary folder (`--basetemp`) to be looked at.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

import chipgym
from chipgym.datasets import load_workload
from chipgym.search import optimize, report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip
SCREENS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
    "dark-phone": {
        "color_scheme": "dark", "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True,
    },
}  # fmt: skip
PLOTS = (
    "tradeoff", "layer-time", "layer-energy", "roofline", "convergence", "hypervolume", "parallel", "importance",
)  # fmt: skip
# Where a point of a trace is on the screen, in CSS pixels.
PIXEL = """([id, trace, point]) => {
  const plot = document.getElementById(id), data = plot._fullData.at(trace), layout = plot._fullLayout;
  plot.scrollIntoView({block: 'center'});
  const box = plot.querySelector('.nsewdrag').getBoundingClientRect();
  return [box.left + layout.xaxis.d2p(data.x.at(point)), box.top + layout.yaxis.d2p(data.y.at(point))];
}"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield made
        made.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory) -> Path:
    """Two runs with a Pareto front, a constraint that some designs break, and layers."""
    problem = chipgym.make_problem(
        "systolic", "alexnet",
        objective=["latency_s", "energy_j", "area_mm2"], constraints="area_mm2 <= 50",
    )  # fmt: skip
    results = [optimize(problem, agent, 120, 0) for agent in ("random", "nsga2")]
    return report(results, tmp_path_factory.mktemp("browser") / "report.html")


@pytest.fixture(scope="module")
def study_file(tmp_path_factory):
    """A study with every section: several problems, agents, option sets and budgets."""
    from chipgym.search.study import run_study
    from chipgym.search.study.results import write_study_report

    folder = tmp_path_factory.mktemp("study")
    simulator = chipgym.make_simulator("toy")
    problems = [chipgym.make_problem(simulator, objective=goal) for goal in ("edp", "latency_s", "energy_j")]
    options = {"nsga2": {"population_size": [6, 12], "mutation_prob": [0.1, 0.4]}}
    study = run_study(problems, folder, agents=["random", "nsga2"], seeds=3, budget=[10, 40], agent_options=options)
    return write_study_report(study, folder / "report.html", command=["chipgym", "compare", "toy"])


@contextmanager
def opened(browser, file: Path, screen: str = "light") -> Iterator[SimpleNamespace]:
    """The page, what it loaded, and what it had to say."""
    context = browser.new_context(**SCREENS[screen])
    page = context.new_page()
    seen = SimpleNamespace(page=page, requests=[], messages=[])
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.messages.append(message.text))
    page.on("pageerror", lambda error: seen.messages.append(str(error)))
    page.on("dialog", lambda dialog: (seen.messages.append(dialog.message), dialog.dismiss()))
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-drawn=yes]", state="attached")
    yield seen
    assert seen.requests == [file.as_uri()]
    assert seen.messages == []
    context.close()


def move_to(page, plot: str, trace: int, point: int) -> None:
    x, y = page.evaluate(PIXEL, [plot, trace, point])
    page.mouse.move(x - 3, y - 3)
    page.mouse.move(x, y)


def hover_text(page, plot: str) -> str:
    label = page.locator(f"#{plot} .hoverlayer .hovertext").first
    label.wait_for()
    return label.text_content()


def until(page, condition: str) -> None:
    """Waits for a condition in the page, whose policy forbids playwright's own way of waiting for one."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(25)
    pytest.fail(f"never: {condition}")


def design_shown(page) -> list[str]:
    return page.locator("#chosen-knobs dd").all_text_contents()


def drawn(page, plot: str) -> int:
    """Marks of any kind inside a plot's axes."""
    marks = f"#{plot} .cartesianlayer .point, #{plot} .cartesianlayer .js-line"
    return page.locator(marks).count()


# Night on a large screen is also that of `test_day_becomes_night`, and a phone also that of the night on one.
SLOW = ("dark", "phone")


@pytest.mark.parametrize("screen", [pytest.param(s, marks=[pytest.mark.slow] * (s in SLOW)) for s in SCREENS])
def test_every_plot_is_drawn(browser, page_file, screen, tmp_path):
    with opened(browser, page_file, screen) as seen:
        page = seen.page
        for plot in PLOTS:
            assert page.locator(f"#{plot}").is_visible(), plot
            assert drawn(page, plot) > 0, plot
        width = SCREENS[screen]["viewport"]["width"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for section in page.locator("section:visible").all():
            box = section.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness = sum(map(int, re.findall(r"\d+", ground)[:3])) / 3
        ink = page.evaluate("document.getElementById('tradeoff').layout.font.color")
        assert (lightness < 100) == ("dark" in screen)
        assert (ink == "#e6eaf0") == ("dark" in screen)
        page.screenshot(path=tmp_path / f"{screen}.png", full_page=True)


def test_hover_says_what_a_mark_is(browser, page_file):
    marks = (
        ("tradeoff", -2, 0, "evaluation"),
        ("convergence", 0, 0, "random, seed 0"),
        ("hypervolume", 1, 3, "nsga2, seed 0"),
        ("roofline", -1, 0, "GMAC/s"),
        ("layer-time", 0, 0, "time: "),
        ("layer-energy", 0, 0, "energy: "),
        ("importance", 1, -1, "R² falls by"),
        ("parallel", -1, 0, "rows = "),
    )
    with opened(browser, page_file) as seen:
        for plot, trace, point, says in marks:
            move_to(seen.page, plot, trace, point)
            assert says in hover_text(seen.page, plot), plot


def test_a_click_chooses_a_design(browser, page_file):
    with opened(browser, page_file) as seen:
        page = seen.page
        before = design_shown(page)
        bars = page.locator("#layer-time .bars path").first.get_attribute("d")
        move_to(page, "tradeoff", -2, 0)
        page.mouse.down()
        page.mouse.up()
        until(page, "state.chosen === 0")
        assert design_shown(page) != before
        assert page.locator("#layer-time .bars path").first.get_attribute("d") != bars
        ring = page.evaluate("document.getElementById('tradeoff').data.at(-1)")
        assert ring["customdata"] == [0]
        assert page.evaluate("document.getElementById('parallel').data.at(-1).customdata[0][0]") == 0
        words = page.locator("#simulate").text_content().split()
        for name, value in zip(page.locator("#chosen-knobs dt").all_text_contents(), design_shown(page), strict=True):
            assert any(word.startswith(f"{name}=") for word in words), (name, value)


def test_the_list_chooses_named_designs(browser, page_file):
    with opened(browser, page_file) as seen:
        page = seen.page
        names = page.locator("#design option").all_text_contents()
        assert names[0].startswith("knee")
        assert names[1:] == ["least latency", "least energy", "least area"]
        before = design_shown(page)
        page.select_option("#design", label="least area")
        assert design_shown(page) != before
        column = page.evaluate("[data.points.columns[2].slice(0, data.counts.chosen), state.chosen]")
        assert column[0][column[1]] == min(column[0])


def test_the_axes_can_be_changed(browser, page_file):
    with opened(browser, page_file) as seen:
        page = seen.page
        page.select_option("#axis-x", label="area (mm²)")
        page.select_option("#axis-color", label="none")
        plot = page.evaluate_handle("document.getElementById('tradeoff')")
        assert plot.evaluate("(plot) => plot.layout.xaxis.title.text") == "area (mm²)"
        assert not plot.evaluate("(plot) => plot.data.at(-2).marker.showscale")
        page.select_option("#history-objective", label="energy (mJ)")
        title = page.evaluate("document.getElementById('convergence').layout.yaxis.title.text")
        assert title == "least energy (mJ)"


def test_a_box_over_an_axis_keeps_what_crosses_it(browser, page_file):
    with opened(browser, page_file) as seen:
        page = seen.page
        assert not page.locator("#keep-all").is_visible()
        x, y = page.evaluate(PIXEL, ["parallel", -1, 0])
        page.mouse.move(x - 12, y - 12)
        page.mouse.down()
        page.mouse.move(x, y, steps=4)
        page.mouse.move(x + 12, y + 12, steps=4)
        page.mouse.up()
        until(page, "state.kept !== null")
        kept, value, lines = page.evaluate(
            "[[...state.kept], data.designs[state.chosen][0], data.parallel.places.map((i) => [i, data.designs[i][0]])]"
        )
        assert {i for i, rows in lines if rows == value} == set(kept) & {i for i, _ in lines}
        assert 0 < len(set(kept) & {i for i, _ in lines}) < len(lines)
        assert page.locator("#parallel-kept").text_content().endswith(f" of {len(lines)} lines kept")
        page.locator("#keep-all").click()
        assert page.evaluate("state.kept === null")
        assert not page.locator("#keep-all").is_visible()


def test_a_click_on_a_line_chooses_its_design(browser, page_file):
    with opened(browser, page_file) as seen:
        page = seen.page
        before = page.evaluate("state.chosen")
        objective = page.evaluate("data.parallel.axes.findIndex((a) => a.objective === 0)")
        last = page.evaluate(
            "document.getElementById('parallel').data.findLastIndex((t, i, all) => i < all.length - 1 && t.x.length)"
        )
        move_to(page, "parallel", last, objective)
        page.mouse.down()
        page.mouse.up()
        until(page, f"state.chosen !== {before}")


def test_day_becomes_night(browser, page_file):
    with opened(browser, page_file) as seen:
        page = seen.page
        colors = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(300)
            colors.append(page.evaluate("document.getElementById('convergence').layout.font.color"))
        assert colors == ["#1c2430", "#e6eaf0"]


def test_names_are_shown_as_they_are_written(browser, tmp_path):
    name = "<script>alert(1)</script> <img src=x onerror=alert(2)> %{x} & <b>b</b>"
    problem = chipgym.make_problem("systolic", dataclasses.replace(load_workload("mlp:16-64-5"), name=name))
    file = report(optimize(problem, "random", 60), tmp_path / "r.html")
    with opened(browser, file) as seen:
        assert seen.page.locator("h1").text_content() == f"systolic running {name}"
        assert seen.page.title() == f"systolic running {name} – chipgym report"
        assert seen.page.locator("img").count() == 0
        assert name in seen.page.locator("#commands code").first.text_content()


def test_layers_and_labels_in_charts_are_text(browser, tmp_path):
    workload = load_workload("mlp:16-64-5")
    evil = "<b>fc</b><script>alert(1)</script>"
    nodes = tuple(
        dataclasses.replace(
            n,
            name=n.name.replace("fc1", evil),
            inputs=tuple(i.replace("fc1", evil) for i in n.inputs),
        )
        for n in workload.nodes
    )
    problem = chipgym.make_problem("systolic", dataclasses.replace(workload, nodes=nodes))
    file = report(optimize(problem, "random", 60), tmp_path / "r.html")
    with opened(browser, file) as seen:
        labels = seen.page.locator("#layer-energy .xtick text").all_text_contents()
        assert any(evil in label for label in labels)
        assert evil in " ".join(seen.page.locator("#layer-table td").all_text_contents())


@pytest.mark.parametrize("screen", ["phone", pytest.param("light", marks=pytest.mark.slow)])
def test_a_report_without_a_feasible_design(browser, screen, tmp_path):
    problem = chipgym.make_problem("toy", constraints="area_mm2 <= 0.5")
    file = report(optimize(problem, "random", 30), tmp_path / "r.html")
    with opened(browser, file, screen) as seen:
        page = seen.page
        assert "area_mm2 is 1, above the limit of 0.5 mm2" in page.locator("#nearest-text").text_content()
        assert page.locator("section:visible h2").all_text_contents() == [
            "No feasible design",
            "Runs, and how to make them again",
        ]
        assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen]["viewport"]["width"]


def test_one_objective_and_no_layers(browser, tmp_path):
    file = report(optimize(chipgym.make_problem("toy"), "random", 60), tmp_path / "r.html")
    with opened(browser, file) as seen:
        page = seen.page
        for plot in ("tradeoff", "convergence", "parallel", "importance"):
            assert drawn(page, plot) > 0, plot
        for plot in ("hypervolume", "layer-time", "layer-energy", "roofline"):
            assert not page.locator(f"#{plot}").is_visible(), plot
        assert "does not tell the parts of a workload apart" in page.locator("#layers-about").text_content()
        assert page.locator("#tradeoff-title").text_content() == "Trade-off"


def test_each_mapping_shows_its_own_sections(browser, tmp_path):
    """More sections are slower; that they are an objective too keeps designs with one and with several."""
    problem = chipgym.make_problem(
        "dataflow", "mlp:64-512-512-10", objective=["latency_s", "latency_s / sections"],
        space={"fusion": ["none", "full"]}, batch=64,
    )  # fmt: skip
    result = optimize(problem, "sobol", 200, 0)
    with opened(browser, report(result, tmp_path / "r.html")) as seen:
        layers = seen.page.evaluate("data.layers")
        assert any("names" in table for table in layers["tables"].values())
        for place, table in layers["tables"].items():
            seen.page.evaluate("place => drawLayers(Number(place))", place)
            names = table.get("names", layers["names"])
            told = seen.page.locator("#layer-table tr td:first-child").all_text_contents()
            assert set(told) <= set(names)
            assert len(told) == min(len(names), 5)


STUDY_PLOTS = ("scores", "curves", "shares", "profiles", "ranks", "hyperparameters", "variance")


@pytest.mark.parametrize("screen", ["light", pytest.param("dark-phone", marks=pytest.mark.slow)])
def test_every_figure_of_a_study_is_drawn(browser, study_file, screen, tmp_path):
    with opened(browser, study_file, screen) as seen:
        page = seen.page
        for plot in STUDY_PLOTS:
            assert page.locator(f"#{plot}").is_visible(), plot
            assert drawn(page, plot) > 0, plot
        assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen]["viewport"]["width"]
        assert (
            page.locator("#lead").text_content().startswith("45 searches with 3 seeds each, 1,800 evaluated designs; ")
        )
        assert page.locator("#command").text_content() == "chipgym compare toy"
        assert page.locator("#problems tbody tr").count() == 3
        before = page.locator("#scores-table").text_content()
        page.select_option("#budget", label="10")
        assert page.locator("#scores-table").text_content() != before
        page.select_option("#problem", label="toy mlp:16-64-5 latency_s")
        assert page.locator("#curves-title").text_content() == "Regret over evaluations"
        page.select_option("#response", label="log10 of regret at 10 evaluations")
        assert page.evaluate("document.getElementById('variance').data[0].x.every((x) => x >= 0 && x <= 1)")
        page.screenshot(path=tmp_path / f"study-{screen}.png", full_page=True)
