"""A page for each environment by Gymnasium's template, written from the environment so that it cannot go stale."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ..datasets import KERNEL_FEATURES, NETWORK_FEATURES, TRACE_FEATURES
from ..durable import durable_file
from ..simulators import DesignSpace, MetricSpec, Simulator, SimulatorEntry, registered
from ..simulators.core.objective import list_presets
from ..simulators.core.registry import simulator_options
from .make import make_env
from .observation import BOUND, DECADES
from .registration import HISTORY, env_id

#: The guide to a simulator, beside the pages' folder, where it is not called after it.
GUIDES: Mapping[str, str] = MappingProxyType({"tabular": "tables", "surrogate": "surrogates"})

_TEMPLATE = """\
# {title}

{about}.

| | |
|---|---|
| Import | `gymnasium.make("{id}")`, of many at a time `gymnasium.make_vec("{id}", num_envs=n)` |
| Action space | `{one_shot.action_space}`, `mode="sequential"`: `{sequential.action_space}`, `mode="refine"`: \
`{refine.action_space}` |
| Observation space | `Box` of float32, shape {one_shot.observation_space.shape}, `mode="sequential"`: \
{sequential.observation_space.shape}, `mode="refine"`: {refine.observation_space.shape} |
| A reward per objective | `{multi}`: {preset} |

```python
import gymnasium
import chipgym

env = gymnasium.make("{id}")
observation, info = env.reset(seed=0)
observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
print(reward, info["feasible"], info["design"])
```

## Description

{description}

What is modelled, and how far it can be trusted: [{guide}](../{guide}.md). What one step is, the mode says: a complete
design (`one_shot`, the default), one knob after another (`sequential`), or one change to a design (`refine`); the
[guide to environments](../environments.md) tells of them, of lists of workloads, vectors, several agents and
Stable-Baselines3. The figures below are those of the default workload, `{workload}`.{borrowed}

## Action space

Of a one-shot action, entry j is a position in the values of knob j. A sequential action is a position in the values of
the knob whose turn it is; a knob with a single value has no turn. A refining action sets one knob to one value, and 0
changes nothing.

{knobs}

{size} designs on the grid, {different} different ones.{inactive} `info["action_mask"]` says which actions are legal.

## Observation space

{parts}

Features of the workload, in order:

{features}
{metrics_heading}
{metrics}

## Rewards

By default the decades by which the objective is better than the default design's, log10(default / design), from -5 to 5
and maximised; a design that cannot be built or breaks a constraint gets from -6 to -5, the nearer it misses the more.
One-shot gives it at once, sequential after the last knob (0 before), refine the difference that a change made. Several
objectives are one reward, the mean of theirs; `{multi}` gives each its own.

{objectives}

Any metric, product of metrics or list of them is an objective too.{targets}

## Starting state

`info` describes the default design (the column "default" above), which rewards compare with; `sequential` starts with
nothing chosen, `refine` from the default design, with `start="random"` from one drawn uniformly, or from the one in
`options={{"design": …}}`. With a list of
workloads `reset` draws one of them by its seed, or takes `options={{"workload": …}}`. Nothing else is random.

## Episode end

`one_shot` terminates after its one step, `sequential` after {turns} steps, one for each knob with more than one value;
`refine` is truncated after `horizon` steps, {horizon} unless given.

## Arguments

{arguments}

## Version history

{history}
"""


def environment_page(entry: SimulatorEntry) -> str:
    """Write the page of a simulator's environments, as Markdown.

    Args:
        entry: a registered simulator; its environments are made on its default workload.
    """
    fixed = {"simulator": entry.name, "each_objective": False}
    one_shot, sequential, refine = (make_env(fixed, mode=mode) for mode in ("one_shot", "sequential", "refine"))
    multi = make_env(fixed | {"each_objective": True})
    problem = one_shot.problem
    simulator, space = problem.simulator, problem.space
    cls = entry.load()
    conditional = any(p.condition for p in space.parameters)
    return _TEMPLATE.format(
        title=entry.title,
        about=entry.doc,
        id=env_id(entry),
        multi=env_id(entry, multi_objective=True),
        one_shot=one_shot,
        sequential=sequential,
        refine=refine,
        preset=", ".join(f"`{o.name}`" for o in multi.problem.objectives)
        + f" (`{simulator.pareto_preset}`) unless `objective` says otherwise",
        description=_description(cls),
        guide=GUIDES.get(entry.name, entry.name),
        workload=simulator.workload_source[0] if simulator.workload_source else simulator.workload.name,
        borrowed=" Knobs, features and metrics of another one are those of its simulator."
        if entry.name in GUIDES
        else "",
        knobs=_knobs(space),
        size=f"{space.size:,}",
        different=f"{space.canonical_size:,}",
        inactive=" An inactive knob stands at its default, whatever was chosen." if conditional else "",
        parts=_parts(simulator, space),
        features=_table(("entry", "feature", "what it is"), _features(simulator)),
        metrics_heading='\nMetrics of `info["metrics"]`, in the order in which `refine` observes them:\n',
        metrics=_table(("metric", "unit", "what it is"), map(_metric, simulator.metrics)),
        objectives=_table(("`objective`", "minimises", "is the default"), _objectives(simulator)),
        targets=_targets(simulator),
        turns=max(int((space.sizes > 1).sum()), 1),
        horizon=2 * len(space),
        arguments=_table(("argument", "default", "what it is"), _arguments(entry, simulator)),
        history="\n".join(f"* v{version}: {what}." for version, what in enumerate(HISTORY)),
    )


def write_pages(folder: Path | str) -> list[Path]:
    """Write the page of every simulator that is registered by its module's name, as the package's own are.

    Args:
        folder: of the pages, one below that of the guides.

    Returns:
        Their paths.
    """
    written = []
    for entry in registered():
        if isinstance(entry.target, str):
            place = Path(folder, f"{entry.name}.md")
            with durable_file(place, place.with_suffix(".partial")) as file:
                file.write(environment_page(entry).encode())
            written.append(place)
    return written


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _description(cls: type[Simulator]) -> str:
    """Return what a class says of itself before its arguments."""
    return re.split(r"\n\n(?:Args|Raises|Attributes):\n", inspect.getdoc(cls) or "")[0]


def _knobs(space: DesignSpace) -> str:
    refining = np.concatenate([[1], 1 + np.cumsum(space.sizes)])
    rows, turn = [], 0
    for j, p in enumerate(space.parameters):
        turn += p.size > 1
        values = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in p.values)
        rows.append(
            (
                j,
                f"`{p.name}`",
                f"{values}{f' {p.unit}' if p.unit else ''}",
                p.default if not isinstance(p.default, float) else f"{p.default:g}",
                p.doc + (f"; active where {p.condition}" if p.condition else ""),
                turn if p.size > 1 else "–",
                f"{refining[j]} to {refining[j + 1] - 1}" if p.size > 1 else refining[j],
            )
        )
    return _table(("entry", "knob", "values", "default", "what it is", "turn", "refining actions"), rows)


def _parts(simulator: Simulator, space: DesignSpace) -> str:
    f, p, m = len(simulator.workload.features()), len(space), len(simulator.metrics)
    rows = [
        ("features of the workload", _span(0, f), _span(0, f), _span(0, f), f"±{BOUND:.0e}".replace("e+0", "e")),
        (
            "each knob's place in its grid, in order; -1 while it is not chosen",
            "",
            _span(f, p),
            _span(f, p),
            "-1, 0 to 1",
        ),
        ("1 for the knob whose turn it is, else 0", "", _span(f + p, p), "", "0 or 1"),
        ("each metric in decades above the default design's", "", "", _span(f + p, m), f"±{DECADES:g}"),
        ("1 where the design is feasible, else 0", "", "", _span(f + p + m, 1), "0 or 1"),
        ("the part of the horizon that is left", "", "", _span(f + p + m + 1, 1), "0 to 1"),
    ]
    return _table(("what", "one-shot entries", "sequential", "refine", "range"), rows)


def _span(start: int, count: int) -> str:
    return f"{start} to {start + count - 1}" if count > 1 else f"{start}"


def _features(simulator: Simulator) -> list[tuple[object, ...]]:
    names = list(simulator.workload.features())
    # A name such as `log10_intensity` means one thing of a network and another of a kernel.
    kinds = (NETWORK_FEATURES, TRACE_FEATURES, KERNEL_FEATURES)
    known: Mapping[str, str] = next((kind for kind in kinds if set(names) <= set(kind)), {})
    return [(j, f"`{name}`", known.get(name, "")) for j, name in enumerate(names)]


def _metric(spec: MetricSpec) -> tuple[object, ...]:
    return f"`{spec.name}`", spec.unit, spec.doc + ("; more is better" if spec.goal == "max" else "")


def _objectives(simulator: Simulator) -> list[tuple[object, ...]]:
    return [
        (f"`{preset.name}`", ", ".join(f"`{text}`" for text in preset.minimises), "yes" if preset.default else "")
        for preset in list_presets(simulator.metrics, simulator.objectives, simulator.default_objective)
    ]


def _targets(simulator: Simulator) -> str:
    if not simulator.targets:
        return ""
    goals = ", ".join(f"`{name}` {value:g}" for name, value in simulator.targets.items())
    return f' `reward="target_distance"` is ArchGym\'s, with its targets unless `targets` gives others: {goals}.'


def _arguments(entry: SimulatorEntry, simulator: Simulator) -> list[tuple[object, ...]]:
    told = _argument_docs(entry.load())
    start = simulator.workload_source[0] if simulator.workload_source else simulator.workload.name
    shared = [
        ("`workload`", f"`{start}`", f"{told.get('workload', '')} A list: every episode is about one of them"),
        ("`objective`", f"`{simulator.default_objective}`", "what is minimised: of the table above, or of metrics"),
        ("`constraints`", "none", 'texts such as `"area_mm2 <= 10"`, or one'),
        ("`space`", "the grid above", 'other values of some knobs, as in `{"' + simulator.space.names[0] + '": […]}`'),
        (
            "`reward`, `targets`",
            "`log_ratio`",
            "`target_distance` compares with targets instead; or a function of your own",
        ),
        ("`mode`", "`one_shot`", "`one_shot`, `sequential` or `refine`"),
        (
            "`horizon`, `start`",
            f"{2 * len(simulator.space)}, `default`",
            "of `refine`: steps per episode; `default` or `random`",
        ),
        ("`problem`", "", "a `Problem`, or a list of them, instead of all of the above but the mode"),
        ("`render_mode`", "none", "`ansi` or `rgb_array`"),
        (
            "`action_type`",
            "`discrete`",
            "`discrete`, or `box`: numbers from -1 to 1 ([continuous actions](../environments.md#continuous-actions))",
        ),
        (
            "`num_envs`, `autoreset_mode`",
            "1, `SameStep`",
            "of `make_vec`: how many, and when an episode that ended is followed by the next",
        ),
        ("`info`", "`dicts`", "what infos are made of: `dicts` of plain values, or numpy `arrays` alone"),
    ]
    own = [(f"`{k}`", "" if v is None else f"`{v}`", told.get(k, "")) for k, v in simulator_options(entry.name).items()]
    return [shared[0], *own, *shared[1:]]


def _argument_docs(cls: type[Simulator]) -> dict[str, str]:
    """Return what a class's docstring says of each argument."""
    found = re.search(r"\n\nArgs:\n(.*?)(?=\n\n\S|\Z)", inspect.getdoc(cls) or "", re.DOTALL)
    form = r"^    (\w+(?:, \w+)*): (.*?)(?=\n    \w+(?:, \w+)*: |\Z)"
    entries = re.findall(form, found[1] if found else "", re.DOTALL | re.MULTILINE)
    return {name: " ".join(text.split()) for names, text in entries for name in names.split(", ")}
