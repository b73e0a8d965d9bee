"""Gymnasium's plain loop over hardware designs: scalar, with masks, and a thousand designs at a time."""

from __future__ import annotations

import gymnasium

import chipgym  # noqa: F401 (registers the ids)


def main() -> None:
    """Look for a small, fast accelerator for ResNet-18 by drawing designs."""
    env = gymnasium.make(
        "chipgym/Systolic-v0",
        workload="resnet18",
        objective="edp",
        constraints=["area_mm2 <= 10"],
        space={"dataflow": ["os", "ws"]},
        render_mode="ansi",
    )
    env.action_space.seed(0)
    best, picture = float("-inf"), ""
    for _ in range(300):
        _, info = env.reset()
        _, reward, _, _, info = env.step(env.action_space.sample(mask=info["action_mask"]))
        if reward > best:
            best, picture = reward, env.render()
    print(picture)

    envs = gymnasium.make_vec("chipgym/Systolic-v0", num_envs=1000, workload="resnet18", objective="edp")
    envs.reset(seed=0)
    envs.action_space.seed(0)
    _, rewards, _, _, infos = envs.step(envs.action_space.sample())
    # Every step ends every episode, so what was designed is under Gymnasium's "final_info".
    designs = infos["final_info"]["design"]
    i = int(rewards.argmax())
    print(f"best of {len(rewards)}: reward {rewards[i]:.3f}, {designs['rows'][i]} x {designs['cols'][i]} PEs")


if __name__ == "__main__":
    main()
