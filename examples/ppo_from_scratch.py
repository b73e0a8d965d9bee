"""Proximal policy optimisation in one file, with nothing but torch, on the sequential vector environment.

    python examples/ppo_from_scratch.py [--designs 8192]

Every step chooses one parameter in each of `--num-envs` designs; masks keep to what is legal; a design's reward comes
with its last parameter, and the next design begins in the same step. Schulman et al., arXiv:1707.06347, with
generalised advantages (arXiv:1506.02438).
"""

from __future__ import annotations

import argparse

import gymnasium
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

import chipgym  # noqa: F401 (registers the ids)

GAMMA, LAMBDA, CLIP, ENTROPY, VALUE = 1.0, 0.95, 0.2, 0.01, 0.5
RATE, EPOCHS, PARTS = 2e-3, 4, 4


class Agent(nn.Module):
    """A policy over the positions of one parameter, and the value of a partial design."""

    def __init__(self, seen: int, actions: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(seen, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.policy, self.value = nn.Linear(64, actions), nn.Linear(64, 1)

    def forward(self, seen: torch.Tensor, legal: torch.Tensor) -> tuple[Categorical, torch.Tensor]:
        """Return distribution over legal actions, (n,), and values, (n,), of observations (n, d) and masks (n, k)."""
        hidden = self.body(seen)
        logits = self.policy(hidden).masked_fill(~legal, -1e8)
        return Categorical(logits=logits), self.value(hidden).squeeze(-1)


def advantages(rewards: torch.Tensor, values: torch.Tensor, ends: torch.Tensor, beyond: torch.Tensor) -> torch.Tensor:
    """Return generalised advantages, all (steps, n); `beyond` (n,) is the value after the last step."""
    out, running = torch.zeros_like(rewards), torch.zeros_like(beyond)
    for t in range(len(rewards) - 1, -1, -1):
        following = beyond if t == len(rewards) - 1 else values[t + 1]
        surprise = rewards[t] + GAMMA * following * ~ends[t] - values[t]
        running = surprise + GAMMA * LAMBDA * running * ~ends[t]
        out[t] = running
    return out


def train(designs: int, num_envs: int = 64, seed: int = 0, workload: str = "resnet18") -> list[float]:
    """Return rewards of the designs in the order in which they were finished."""
    torch.manual_seed(seed)
    envs = gymnasium.make_vec("chipgym/Systolic-v0", num_envs=num_envs, mode="sequential", workload=workload)
    steps = int((envs.unwrapped.problem.space.sizes > 1).sum())  # a design in each environment between updates
    agent = Agent(envs.single_observation_space.shape[0], int(envs.single_action_space.n))
    optimizer = torch.optim.Adam(agent.parameters(), lr=RATE)
    seen, infos = envs.reset(seed=seed)
    found: list[float] = []
    while len(found) < designs:
        kept: dict[str, list[torch.Tensor]] = {k: [] for k in ("seen", "legal", "action", "log", "value")}
        rewards, ends = [], []
        for _ in range(steps):
            kept["seen"].append(torch.from_numpy(seen))
            kept["legal"].append(torch.from_numpy(infos["action_mask"].astype(bool)))
            with torch.no_grad():
                chances, value = agent(kept["seen"][-1], kept["legal"][-1])
            action = chances.sample()
            kept["action"].append(action)
            kept["log"].append(chances.log_prob(action))
            kept["value"].append(value)
            seen, reward, terminated, _, infos = envs.step(action.numpy())
            rewards.append(torch.from_numpy(reward.astype(np.float32)))
            ends.append(torch.from_numpy(terminated))
            found += reward[terminated].tolist()
        with torch.no_grad():
            beyond = agent(torch.from_numpy(seen), torch.from_numpy(infos["action_mask"].astype(bool)))[1]
        batch = {k: torch.stack(v) for k, v in kept.items()}
        gain = advantages(torch.stack(rewards), batch["value"], torch.stack(ends), beyond)
        target = (gain + batch["value"]).flatten()
        flat = {k: v.flatten(0, 1) for k, v in batch.items()}
        gain = gain.flatten()
        for _ in range(EPOCHS):
            for part in torch.randperm(len(gain)).chunk(PARTS):
                chances, value = agent(flat["seen"][part], flat["legal"][part])
                ratio = (chances.log_prob(flat["action"][part]) - flat["log"][part]).exp()
                better = (gain[part] - gain[part].mean()) / (gain[part].std() + 1e-8)
                surrogate = torch.min(ratio * better, ratio.clamp(1 - CLIP, 1 + CLIP) * better).mean()
                miss = (value - target[part]).pow(2).mean()
                loss = -surrogate + VALUE * miss - ENTROPY * chances.entropy().mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                optimizer.step()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--designs", type=int, default=8192)
    parser.add_argument("--num-envs", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    found = train(args.designs, args.num_envs, args.seed)
    means = [float(np.mean(part)) for part in np.array_split(found, 8)]
    print("mean reward by eighth of the training:", " ".join(f"{mean:.2f}" for mean in means))
    print(f"best reward {max(found):.3f}")


if __name__ == "__main__":
    main()
