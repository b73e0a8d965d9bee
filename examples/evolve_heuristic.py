"""Programs that propose designs are evolved, with a simulator as the judge: FunSearch's loop without a language model.

A program is a small Python function that is told the knobs and what was evaluated, and answers the next design. Each is
run in a sandbox; its score is the best reward that it finds within a few evaluations. A fixed proposer stands in for
the model: it edits and mixes the best programs so far, often for the worse, and writes some that do not run at all. A
model goes in the place of `rewrite`; a `Scored` has what it may be told of a program, faults included.

After Romera-Paredes et al., Nature 625, 2024 (FunSearch), and Novikov et al., 2025 (AlphaEvolve).

python examples/evolve_heuristic.py --generations 10
"""

from __future__ import annotations

import argparse
import ast
from dataclasses import dataclass

import numpy as np

import chipgym
from chipgym.search import SandboxedFunction, SandboxError, SandboxLimits

LIMITS = SandboxLimits(seconds=0.5, memory_mb=200)
# A program that fails, or that does not keep to its knobs, is worth less than any that works.
FAILED = -10.0

#: What evolution begins with: uniform draws. `knobs` has the number of values of each knob and whether they are in an
#: order; `history` the positions and the reward of each design so far; `draws` 64 numbers from 0 to 1.
FIRST = """\
def parent(history, draws):
    return history[0]

def child(at, knobs, draws):
    return [int(draws[i] * knob["size"]) for i, knob in enumerate(knobs)]

def propose(knobs, history, draws):
    if len(history) < 1:
        return [int(draws[i] * knob["size"]) for i, knob in enumerate(knobs)]
    return child(parent(history, draws[40:]), knobs, draws)
"""

#: What the stand-in for a model knows to write.
IDEAS = (
    """\
def parent(history, draws):
    return max(history, key=lambda one: one["reward"])
""",
    """\
def parent(history, draws):
    ranked = sorted(history, key=lambda one: -one["reward"])
    return ranked[int(len(ranked) * draws[0] ** 2 * 0.3)]
""",
    """\
def child(one, knobs, draws):
    at = list(one["at"])
    for i, knob in enumerate(knobs):
        if draws[i] < 0.3:
            at[i] = int(draws[i + 20] * knob["size"])
    return at
""",
    """\
def child(one, knobs, draws):
    at = list(one["at"])
    i = int(draws[0] * len(knobs))
    step = 1 if draws[1] < 0.5 else -1
    at[i] = min(max(at[i] + step, 0), knobs[i]["size"] - 1)
    return at
""",
    """\
def child(one, knobs, draws):
    at = list(one["at"])
    for i, knob in enumerate(knobs):
        if draws[i] < 0.25:
            if knob["ordinal"] and draws[i + 10] < 0.6:
                at[i] = min(max(at[i] + (1 if draws[i + 20] < 0.5 else -1), 0), knob["size"] - 1)
            else:
                at[i] = int(draws[i + 20] * knob["size"])
    return at
""",
)


@dataclass(frozen=True)
class Scored:
    """A program, what it is worth, and what was wrong with it if anything was."""

    source: str
    score: float
    fault: str = ""


def play(source: str, problem: chipgym.simulators.Problem, budget: int, seeds: range) -> float:
    """Return the mean over seeds of the best reward that a program finds within a budget of different designs.

    Raises:
        SandboxError: for a program that fails, and for an answer that is no design.
    """
    space = problem.space
    knobs = [{"size": p.size, "ordinal": p.ordinal} for p in space.parameters]
    best = []
    with SandboxedFunction(source, limits=LIMITS) as propose:
        for seed in seeds:
            rng = np.random.default_rng(seed)
            history: list[dict[str, object]] = []
            known: dict[tuple[int, ...], float] = {}
            for _ in range(3 * budget):  # a design that comes up again is answered from memory, but not for ever
                row = space.canonicalize(checked(propose(knobs, history, rng.random(64).tolist()), space.sizes))
                at = tuple(row.tolist())
                if at not in known:
                    known[at] = float(problem.reward(problem.evaluate(row))[0])
                    history.append({"at": list(at), "reward": known[at]})
                if len(known) == budget:
                    break
            best.append(max(known.values()))
    return float(np.mean(best))


def checked(answer: object, sizes: np.ndarray) -> np.ndarray:
    """Return a program's answer as a row of the grid; it is believed as little as the program is."""
    right = isinstance(answer, list) and len(answer) == len(sizes)
    if not right or not all(type(i) is int and 0 <= i < n for i, n in zip(answer, sizes, strict=True)):
        raise SandboxError(
            "wrong_answer", f"program: {str(answer)[:60]} is not a position for each of {len(sizes)} knobs"
        )
    return np.array(answer, dtype=np.int64)


def judge(source: str, problems: list[chipgym.simulators.Problem], budget: int, seeds: range) -> Scored:
    """Score a program on some problems; one that fails on any is told why."""
    try:
        return Scored(source, float(np.mean([play(source, problem, budget, seeds) for problem in problems])))
    except SandboxError as error:
        return Scored(source, FAILED, f"{error.kind}: {error}")


def rewrite(parents: list[Scored], rng: np.random.Generator) -> str:
    """Write a new program after two that did well: the place of a language model."""
    first, second = (ast.parse(p.source) for p in (parents[0], parents[-1]))
    functions = {f.name: f for f in first.body if isinstance(f, ast.FunctionDef)}
    what = rng.integers(4)
    if what == 0:  # a function of the other parent
        others = [f for f in second.body if isinstance(f, ast.FunctionDef)]
        chosen = others[rng.integers(len(others))]
        functions[chosen.name] = chosen
    elif what == 1:  # an idea
        (chosen,) = (f for f in ast.parse(IDEAS[rng.integers(len(IDEAS))]).body if isinstance(f, ast.FunctionDef))
        functions[chosen.name] = chosen
    tree = ast.Module(list(functions.values()), [])
    if what == 2:  # a number
        numbers = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) in (int, float)]
        chosen = numbers[rng.integers(len(numbers))]
        value = chosen.value * float(rng.choice([0.5, 0.8, 1.25, 2.0]))
        chosen.value = round(value) + int(rng.integers(-1, 2)) if type(chosen.value) is int else round(value, 3)
    elif what == 3:  # a line less
        bodies = [n.body for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.For | ast.If)]
        body = bodies[rng.integers(len(bodies))]
        body.pop(int(rng.integers(len(body))))
        body[:] = body or [ast.Pass()]
    return ast.unparse(ast.fix_missing_locations(tree))


def evolve(
    problems: list[chipgym.simulators.Problem], generations: int, size: int, budget: int, seed: int
) -> tuple[Scored, dict[str, int]]:
    """Return the best program, and how many programs failed by what was wrong with them."""
    rng = np.random.default_rng(seed)
    population = [judge(FIRST, problems, budget, range(3))]
    seen, faults = {FIRST}, dict[str, int]()
    print(f"generation  0: {population[0].score:.3f} decades better than the default, with uniform draws")
    for generation in range(1, generations + 1):
        for _ in range(size):
            ranks = np.minimum((rng.random(2) ** 2 * len(population)).astype(int), len(population) - 1)
            source = rewrite([population[i] for i in ranks], rng)
            if source in seen:
                continue
            seen.add(source)
            new = judge(source, problems, budget, range(3))
            if new.fault:
                kind = new.fault.partition(":")[0]
                faults[kind] = faults.get(kind, 0) + 1
            else:
                population.append(new)
        population = sorted(population, key=lambda p: -p.score)[:12]
        print(f"generation {generation:2d}: {population[0].score:.3f}")
    return population[0], faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--generations", type=int, default=10)
    parser.add_argument("--size", type=int, default=10, help="programs per generation")
    parser.add_argument("--budget", type=int, default=40, help="evaluations of each run of a program")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    names = ("systolic-resnet18", "memory-cloud-1")
    problems = [chipgym.make_problem("tabular", workload=name, objective="edp") for name in names]
    best, faults = evolve(problems, arguments.generations, arguments.size, arguments.budget, arguments.seed)
    print("programs that failed: " + (", ".join(f"{n} by {kind}" for kind, n in sorted(faults.items())) or "none"))
    print(f"\nthe best program:\n\n{best.source}\n")

    # What it was not evolved on, with seeds that it has not seen. The table is whole, so that its optimum is known.
    unseen = chipgym.make_problem("tabular", workload="memory-cloud-2", objective="edp")
    optimum = float(unseen.reward(unseen.evaluate(np.concatenate(list(unseen.space.canonical_rows())))).max())
    print(f"on memory-cloud-2, decades behind its optimum after {arguments.budget} evaluations:")
    for what, source in (("uniform draws", FIRST), ("the best program", best.source)):
        print(f"  {what:16} {optimum - play(source, unseen, arguments.budget, range(100, 110)):.3f}")
    found = [chipgym.optimize(unseen, "tpe", arguments.budget, seed=s).table.reward.max() for s in range(5)]
    print(f"  {'tpe':16} {optimum - np.mean(found):.3f}")


if __name__ == "__main__":
    main()
