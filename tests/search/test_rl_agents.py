"""Reinforcement learners in the search loop: what they learn from, and that it all follows from what they are told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from bowl import BowlSimulator
from torch.distributions import Categorical, Normal
from toy import ToySimulator

from chipgym.envs import parallel_env
from chipgym.errors import ChipgymError
from chipgym.search import AgentEntry, make_agent, optimize
from chipgym.search.agents.rl.heads import Heads, chosen, draw, entropy
from chipgym.search.agents.rl.learner import ranks
from chipgym.search.agents.rl.networks import SideBySide, clip_each
from chipgym.search.agents.rl.told import played
from chipgym.simulators import bind_problem

ON_POLICY = ("ppo", "a2c", "maskable_ppo", "ippo", "mappo")
OFF_POLICY = ("dqn", "sac")
AGENTS = (*ON_POLICY, *OFF_POLICY)


@pytest.fixture
def problem():
    return bind_problem(ToySimulator())


def tell(agent, rows):
    agent.tell(rows, agent.problem.evaluate(rows))


def weights(agent):
    """Every number that an agent has learnt."""
    modules = [agent.actors, agent.critics] if hasattr(agent, "actors") else [agent.model.policy]
    return torch.cat([p.detach().flatten() for module in modules for p in module.parameters()])


def every_design(problem):
    return np.concatenate(list(problem.space.canonical_rows()))


# --- functions of (seed, ask number, history) ------------------------------------------------------------------------


@pytest.mark.parametrize("agent", AGENTS)
def test_a_replayed_history_gives_the_same_weights(problem, agent):
    first, second = make_agent(agent, problem, 3), make_agent(agent, problem, 3)
    for _ in range(3):
        rows = first.ask(6)
        evaluation = problem.evaluate(rows)
        first.tell(rows, evaluation)
        second.replay(rows, evaluation)
    assert torch.equal(weights(first), weights(second))
    assert (first.ask(6) == second.ask(6)).all()


@pytest.mark.parametrize("agent", AGENTS)
def test_an_ask_that_is_not_told_leaves_nothing_behind(problem, agent):
    asked, other = make_agent(agent, problem, 3), make_agent(agent, problem, 3)
    rows = asked.ask(6)
    before = weights(asked)
    asked.asks = 0  # as a process that begins again
    assert (asked.ask(6) == rows).all()
    assert torch.equal(weights(asked), before)
    assert torch.equal(weights(other), before)


@pytest.mark.parametrize("agent", AGENTS)
def test_global_generators_and_threads_are_left_as_they_were(problem, agent):
    np.random.seed(2)  # noqa: NPY002
    torch.manual_seed(3)

    def state():
        words, *position = np.random.get_state()[1:]  # noqa: NPY002
        return words.tolist(), position, torch.get_rng_state().tolist(), torch.get_num_threads()

    before = state()
    first = optimize(problem, agent, 20, batch=8).to_pandas()
    assert state() == before
    np.random.rand(), torch.rand(5)  # noqa: NPY002
    assert optimize(problem, agent, 20, batch=8).to_pandas().equals(first)


def test_searches_in_threads_do_not_disturb_one_another(problem):
    alone = [optimize(problem, "ppo", 30, seed, batch=6).to_pandas() for seed in range(2)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda seed: optimize(problem, "ppo", 30, seed, batch=6).to_pandas(), range(2)))
    assert all(a.equals(b) for a, b in zip(alone, together, strict=True))


class CountingSimulator(ToySimulator):
    """Knows how many designs it was asked for."""

    asked = 0

    def simulate(self, columns, n):
        type(self).asked += n
        return super().simulate(columns, n)


@pytest.mark.parametrize("agent", AGENTS)
def test_every_simulation_is_the_loops(agent):
    problem = bind_problem(CountingSimulator())
    CountingSimulator.asked = 0
    assert optimize(problem, agent, 20, batch=8).evaluations == CountingSimulator.asked == 20


# --- probabilities of designs ----------------------------------------------------------------------------------------


def trained(agent, problem, **options):
    """An agent whose policy prefers some designs."""
    made = make_agent(agent, problem, 0, options)
    for _ in range(3):
        tell(made, made.ask(16))
    return made


@pytest.mark.parametrize("actions", ["categorical", "gaussian"])
@pytest.mark.parametrize("agent", ["ppo", "ippo"])
def test_probabilities_of_designs_add_up(problem, agent, actions):
    """Also with knobs that others make inactive, of which a design does not tell what was drawn."""
    made = trained(agent, problem, actions=actions, learning_rate=0.02)
    designs = every_design(problem)
    actions = torch.from_numpy(np.where(problem.space.active(designs), designs, -1))
    with torch.no_grad():
        if agent == "ppo":
            seen = torch.as_tensor(np.repeat(made.tasks.features, len(designs), axis=0))
            logs = made.judge(seen, actions, None)[1]
        else:
            logs = made.logarithms(made.policies(), actions).sum(1)
    assert logs.exp().sum() == pytest.approx(1.0, abs=1e-4)
    assert logs.exp().max() > 1.5 / len(designs)


@pytest.mark.parametrize("mode", ["sequential", "one_shot"])
def test_probabilities_of_masked_designs_add_up(problem, mode):
    made = trained("maskable_ppo", problem, mode=mode, learning_rate=0.02)
    designs = every_design(problem)
    made.tasks.tell(designs, problem.evaluate(designs), np.zeros(len(designs)))
    total = torch.zeros(len(designs))
    for step in played(made.mode(made.tasks, len(designs)), designs):
        actions, masks = made.given(designs, step)
        with torch.no_grad():
            total += made.judge(torch.as_tensor(step.seen), torch.as_tensor(actions), masks)[1]
    assert total.exp().sum() == pytest.approx(1.0, abs=1e-4)


def test_bins_of_a_gaussian_have_its_integrals():
    heads = Heads((4, 3), "gaussian")
    mean, log_std = torch.tensor([0.3, -0.8]), torch.tensor([-0.5, 0.2])
    table = heads(torch.stack([mean, log_std], dim=1).flatten()[None])[0].exp()
    for j, size in enumerate((4, 3)):
        normal = Normal(mean[j], 0.6 * log_std[j].exp())
        inner = normal.cdf(torch.linspace(-1, 1, size + 1)[1:-1])
        expected = torch.diff(torch.cat([torch.zeros(1), inner, torch.ones(1)]))
        torch.testing.assert_close(table[j, :size], expected, atol=1e-5, rtol=1e-4)
    assert (table[1, 3:] == 0).all()


@pytest.mark.parametrize("mean", [-40.0, 0.0, 40.0])
def test_a_gaussian_far_from_its_range_has_gradients(mean):
    heads = Heads((11, 2), "gaussian")
    numbers = torch.tensor([[mean, -9.0, mean, 3.0]], requires_grad=True)
    table = heads(numbers)
    (chosen(table, torch.tensor([[5, 1]])).sum() + entropy(table).sum()).backward()
    assert torch.isfinite(numbers.grad).all()
    assert torch.isfinite(table).all()


def test_draws_follow_the_table():
    torch.manual_seed(0)
    heads = Heads((3, 2), "categorical")
    table = heads(torch.tensor([1.0, 0.0, -1.0, 0.5, 0.0, 9.0]))
    drawn = draw(table.expand(4000, 2, 3))
    share = torch.stack([(drawn == k).float().mean(0) for k in range(3)], dim=1)
    torch.testing.assert_close(share, table.exp(), atol=0.05, rtol=0)
    torch.testing.assert_close(entropy(table)[0], Categorical(logits=torch.tensor([1.0, 0.0, -1.0])).entropy())


# --- what is learnt --------------------------------------------------------------------------------------------------


def test_a_step_of_independent_agents_is_each_agents_policy_gradient(problem):
    """At the first epoch every ratio is 1, and the surrogate's gradient is that of log π times the advantage."""
    options = {"n_epochs": 1, "net_arch": [], "ent_coef": 0.0, "max_grad_norm": 1e6, "reward_scaling": "none"}
    agent = make_agent("ippo", problem, 0, options)
    rows = agent.ask(12)
    actors = [p.detach().clone() for p in agent.actors.parameters()]
    values = agent.values().detach().numpy()
    evaluation = problem.evaluate(rows)
    agent.tell(rows, evaluation)
    weight, bias = (p.grad for p in agent.actors.parameters())
    active, widest = problem.space.active(rows), int(problem.space.sizes.max())
    for a, own in enumerate(agent.shares):
        gain = problem.reward(evaluation) - values[a]
        gain = (gain - gain.mean()) / gain.std(ddof=1)
        w = actors[0][a].clone().requires_grad_()
        b = actors[1][a].clone().requires_grad_()
        numbers = (agent.seen[a] @ w + b[0]).reshape(-1, widest)
        logs = sum(
            Categorical(logits=numbers[k, : problem.space.sizes[j]]).log_prob(torch.from_numpy(rows[:, j]))
            * torch.from_numpy(active[:, j])
            for k, j in enumerate(own)
        )
        (-(logs * torch.from_numpy(gain)).mean()).backward()
        torch.testing.assert_close(weight[a], w.grad, atol=1e-5, rtol=1e-3)
        torch.testing.assert_close(bias[a], b.grad, atol=1e-5, rtol=1e-3)


def test_a_rollout_holds_the_episodes_and_their_returns(problem):
    agent = make_agent("maskable_ppo", problem, 0, {"reward_scaling": "none", "gae_lambda": 0.9})
    rows = agent.ask(5)
    evaluation = problem.evaluate(rows)
    kept = []
    agent.model.train = lambda: kept.append(agent.model.rollout_buffer)
    agent.tell(rows, evaluation)
    (buffer,) = kept
    steps = len(problem.space)
    assert (rows == buffer.actions[:, :, 0].T).all()
    assert (buffer.rewards[:-1] == 0).all()
    assert np.allclose(buffer.rewards[-1], problem.reward(evaluation))
    # Generalised advantages with γ = 1 (Schulman et al., arXiv:1506.02438, equation 16), written out.
    after = np.concatenate([buffer.values[1:], np.zeros((1, 5))])
    surprise = buffer.rewards + after - buffer.values
    expected = [sum(0.9**k * surprise[t + k] for k in range(steps - t)) for t in range(steps)]
    assert np.allclose(buffer.advantages, expected, atol=1e-5)
    assert np.allclose(buffer.returns, buffer.advantages + buffer.values, atol=1e-5)


def test_a_masked_network_values_what_is_illegal_at_nothing(problem):
    agent = trained("dqn", problem, buffer_size=40, gradient_steps=2)
    buffer = agent.buffer
    assert buffer.full
    assert len(buffer.observations) == 40 == 10 * agent.steps
    with torch.no_grad():
        values = agent.model.q_net(torch.as_tensor(buffer.observations[:, 0]))
    widest = agent.spaces.action_space.n
    legal = buffer.observations[:, 0, -widest:] > 0
    assert (values.numpy()[~legal] < -1e8).all()
    assert (np.abs(values.numpy()[legal]) < 1e3).all()
    assert legal[np.arange(40), buffer.actions[:, 0, 0]].all()
    ends = np.arange(40) % agent.steps == agent.steps - 1
    assert (buffer.dones[:, 0] == ends).all()
    assert (buffer.rewards[~ends, 0] == 0).all()
    inside = ~ends
    assert (buffer.next_observations[:-1][inside[:-1]] == buffer.observations[1:][inside[:-1]]).all()


def test_designs_that_it_begins_with_teach_only_who_is_off_policy(problem):
    rows = every_design(problem)[:8]
    for name in AGENTS:
        agent = make_agent(name, problem, 0)
        before = weights(agent)
        agent.begin(rows, problem.evaluate(rows))
        assert torch.equal(weights(agent), before) == (name in ON_POLICY)
        asked = {tuple(row) for row in agent.ask(8).tolist()}
        assert not asked & {tuple(row) for row in rows.tolist()}
        assert agent.asks == 2


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("agent", AGENTS)
def test_one_design_at_a_time(problem, agent):
    for scaling in ("rank", "none"):
        found = optimize(problem, agent, 5, batch=1, agent_options={"reward_scaling": scaling})
        assert found.evaluations == 5


@pytest.mark.parametrize("name", AGENTS)
def test_a_policy_with_nothing_new_to_say_begins_anew(problem, name):
    agent = make_agent(name, problem, 0, {"net_arch": [4]})
    rows = agent.ask(6)
    tell(agent, rows)
    assert agent.explanation() == ()
    first = weights(agent)
    for times, said in ((1, "once"), (2, "2 times")):
        agent.ask(6)
        tell(agent, rows)
        assert agent.restarts == times
        assert said in agent.explanation()[0]
    assert not torch.equal(weights(agent), first)


def test_rewards_are_ranked_with_equals_between():
    assert ranks(np.array([3.0, -5.5, 0.1, 0.1, 9.0])).tolist() == [0.5, -1.0, -0.25, -0.25, 1.0]
    assert ranks(np.array([7.0])).tolist() == [0.0]
    assert ranks(np.array([2.0, 2.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("agent", "options"),
    [
        ("ppo", {}), ("ppo", {"actions": "gaussian"}), ("a2c", {}), ("maskable_ppo", {"n_epochs": 5}), ("ippo", {}),
        ("mappo", {"grouping": "knob"}), ("dqn", {"exploration_designs": 200}), ("sac", {}),
    ],
)  # fmt: skip
def test_learning_beats_random(agent, options):
    """By the best of 600 among 8^10 designs, of which random ones never get near the optimum."""
    problem = bind_problem(BowlSimulator())
    found = optimize(problem, agent, 600, 0, agent_options=options)
    random_best = [optimize(problem, "random", 600, seed).best.objectives[0] for seed in range(5)]
    assert found.evaluations == 600
    assert found.best.objectives[0] < np.mean(random_best)
    if agent != "dqn":  # whose further random choices make the mean of what it designs last a poor one
        assert np.median(found.table.reward[-100:]) > np.median(found.table.reward[:100])


# --- agents beside one another ---------------------------------------------------------------------------------------


def test_agents_are_those_of_the_parallel_environment(problem):
    for grouping, agents in (("subsystem", "subsystem"), ("knob", "parameter")):
        env = parallel_env("toy", problem=problem, agents=agents)
        made = make_agent("ippo", problem, 0, {"grouping": grouping})
        assert [share.tolist() for share in made.shares] == [share.tolist() for share in env.shares.values()]
        assert made.values().shape == (len(env.possible_agents),)
        central = make_agent("mappo", problem, 0, {"grouping": grouping})
        assert central.values().shape == (1,)
        assert central.judged.shape[1] == env.state_space.shape[0] == made.seen.shape[1] + 1


def test_a_central_value_function_matters_where_its_mean_does(problem):
    """Standardised advantages of episodes that begin alike do not depend on values, whoever has them."""
    plain = {"normalize_advantage": False, "reward_scaling": "none"}
    found = {
        (name, bool(options)): optimize(problem, name, 24, batch=6, agent_options=options).to_pandas()
        for name in ("ippo", "mappo")
        for options in ({}, plain)
    }
    assert found["ippo", False].equals(found["mappo", False])
    assert not found["ippo", True].equals(found["mappo", True])


def test_networks_side_by_side_are_networks():
    torch.manual_seed(0)
    nets = SideBySide(3, (5, 4, 2), 0.5)
    seen = torch.randn(3, 7, 5)
    out = nets(seen)
    for m in range(3):
        hidden = (seen[m] @ nets.weights[0][m] + nets.biases[0][m]).tanh()
        torch.testing.assert_close(out[m], hidden @ nets.weights[1][m] + nets.biases[1][m])
    (out * torch.tensor([1e-3, 1.0, 1e3])[:, None, None]).sum().backward()
    clip_each(nets, 0.5)
    lengths = torch.stack([p.grad.flatten(1).pow(2).sum(1) for p in nets.parameters()]).sum(0).sqrt()
    assert lengths[0] < 0.1
    torch.testing.assert_close(lengths[1:], torch.tensor([0.5, 0.5]), atol=1e-3, rtol=0)


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "options", "said"),
    [
        ("ppo", {"actions": "gausian"}, "actions 'gausian'.*gaussian"),
        ("ppo", {"learning_rate": 0}, "learning_rate: 0 is not a number above 0"),
        ("ppo", {"clip_range": "wide"}, "clip_range: 'wide' is not a number above 0"),
        ("ppo", {"n_epochs": 0}, "n_epochs: 0 is not a whole number from 1"),
        ("ppo", {"batch_size": 1}, "batch_size: 1 is not a whole number from 2"),
        ("ppo", {"net_arch": "64"}, "net_arch: '64' is not a list of widths"),
        ("ppo", {"net_arch": [0]}, "net_arch: 0 is not a whole number"),
        ("ppo", {"reward_scaling": "ranks"}, "reward_scaling 'ranks'.*rank"),
        ("a2c", {"ent_coef": float("nan")}, "ent_coef: nan is not a number from 0"),
        ("a2c", {"normalize_advantage": "no"}, "normalize_advantage: 'no' is neither True nor False"),
        ("maskable_ppo", {"mode": "refine"}, "mode 'refine'.*one_shot"),
        ("maskable_ppo", {"gamma": 1.5}, "gamma: 1.5 is not a number from 0 to 1"),
        ("ippo", {"grouping": "parameter"}, "grouping 'parameter'.*subsystem"),
        ("mappo", {"vf_coef": -1}, "vf_coef: -1 is not a number from 0"),
        ("dqn", {"tau": 0}, "tau: 0 is not a number above 0 and at most 1"),
        ("dqn", {"buffer_size": 0}, "buffer_size: 0 is not a whole number from 1"),
        ("sac", {"ent_coef": "automatic"}, "ent_coef: 'automatic' is not"),
        ("sac", {"learning_start": 1}, "option of sac.*learning_starts"),
    ],
)
def test_bad_options_are_named(problem, agent, options, said):
    with pytest.raises(ChipgymError, match=said):
        make_agent(agent, problem, 0, options)


def test_a_missing_library_names_its_extra():
    entry = AgentEntry("ppo", "no_such_library.ppo:PPO", extra="rl")
    with pytest.raises(
        ChipgymError, match=r"needs no_such_library, which is not installed: pip install 'chipgym\[rl\]'"
    ):
        entry.load()
