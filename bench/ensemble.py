"""How much faster many small networks train at once than one after the other, with the same losses.

    python -m bench.ensemble [--threads 2]

Both are run in turns in one process; the ratio of the best times is reported, since whatever disturbs only adds.
"""

import argparse
import time

import torch
from torch.nn import functional

import zoo
from zoo.ensemble import Member, Schedule, train_together
from zoo.model import initialise
from zoo.models.mlp import Mlp
from zoo.task import Samples

TURNS = 3


def alone(options: dict, members: list[Member], samples: Samples, schedule: Schedule) -> torch.Tensor:
    """One network after the other, by torch's own optimiser: mean loss of each in its last epoch."""
    last = []
    for member in members:
        model = initialise(Mlp, options, member.seed)
        matrices = [p for p in model.parameters() if p.ndim > 1]
        groups = [
            {"params": matrices, "weight_decay": schedule.weight_decay},
            {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, lr=member.learning_rate)
        order = torch.Generator().manual_seed(member.seed)
        for _ in range(schedule.epochs):
            rows = torch.randperm(len(samples), generator=order)
            batches = rows[: len(rows) // schedule.batch_size * schedule.batch_size].split(schedule.batch_size)
            total = 0.0
            for batch in batches:
                loss = functional.cross_entropy(model(samples.inputs[batch]), samples.labels[batch])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                total += loss.item()
        last.append(total / len(batches))
    return torch.tensor(last)


def main() -> None:
    """Print a row for each width."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--members", type=int, default=64)
    torch.set_num_threads(parser.parse_args().threads)
    members = [Member(seed=seed, learning_rate=1e-3) for seed in range(parser.parse_args().members)]
    samples = zoo.task("digits").samples("train").take(range(896))
    schedule = Schedule(epochs=2, batch_size=64, weight_decay=1e-2)
    print(f"{len(members)} networks, batch {schedule.batch_size}, {torch.get_num_threads()} threads")
    for width in (16, 64, 256):
        options = {"features": 64, "classes": 10, "widths": (width, width)}
        best, losses = [float("inf")] * 2, [torch.zeros(0)] * 2
        for _ in range(TURNS):
            start = time.perf_counter()
            losses[0] = alone(options, members, samples, schedule)
            middle = time.perf_counter()
            losses[1] = train_together(Mlp, options, members, samples, schedule).loss[:, -1]
            best = [min(best[0], middle - start), min(best[1], time.perf_counter() - middle)]
        gap = (losses[0] - losses[1]).abs().max().item()
        ratio = best[0] / best[1]
        print(f"width {width:4}: alone {best[0]:6.2f} s, at once {best[1]:6.2f} s, {ratio:5.1f} ×, losses {gap:.0e}")


if __name__ == "__main__":
    main()
