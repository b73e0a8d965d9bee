"""Reinforcement learning in the search loop: on-policy learners that are functions of (seed, ask number, store).

A learning library owns its loop: it steps an environment, which simulates, and learns as it goes. Here the search
loop owns the simulator, the budget and the store, so that the library's loop is taken apart.

- **An ask lets the policy act.** n episodes of the project's own environments are played on `ToldTasks`, whose
  designs nobody simulates. Where they end, their designs are the ask's proposal. Nothing about the agent changes. The
  draws follow from the ask's generator and the policy.
- **A tell lets it learn.** The same episodes are played again, from the designs alone, now that it is known what
  they are worth. Observations, masks and rewards come from the environment. Values and probabilities come from the
  policy, which is still the one that acted. They fill the library's own buffer, and the library's own `train` does
  one update. Its draws follow from the seed and the ask's number.
- **A replay is a tell.** A stored batch teaches the policy what it taught it in the process that was killed, so that
  the weights are the same, to the last bit on the same machine and versions. Nothing else is kept: no checkpoint, no
  pickle. On another processor weights may differ in their last bits. The run then goes on with a policy that learnt
  from the same designs.

A design must therefore say which actions led to it, and how probable it was:

- in sequential mode the actions are the positions of the knobs in turn;
- of a whole design, what was drawn for knobs that the others make inactive is unknown, and of no effect. The
  probability of the design is that of its active knobs alone, and this is what is learnt from;
- a Gaussian is cut into bins, so that a position has a probability, the integral over its bin. Which number within
  the bin was drawn is of no effect either.

Designs that were evaluated already would teach little and cost nothing. The policy therefore acts again until its
designs are new, a few times at most; what is missing then is filled with repeats, which the loop answers from its log.
Whole designs then come from π(x) / (1 − π(evaluated)). The gradient of its logarithm has one term more than that of
log π(x), the same for every design, and advantages that are standardised over the ask add up to 0. The first epoch's
update is therefore the policy gradient of what was drawn. An ask without any new design means that the policy has
converged on what is known, and a fresh one takes its place.

Designs that a search begins with were not drawn by the policy. Off-policy learners (DQN, SAC) learn from them; the
others only do not propose them again.

Libraries draw from the global generators of torch and numpy. `isolated` seeds these for the while, and restores them.
"""
