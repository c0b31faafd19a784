"""docs/learning.md, from ``docs/learning.json``: what ``python -m benchmarks.learning`` has measured."""

from typing import Any

HEAD = """# Learning on synthetic clips

Whether the clip networks and their training work, shown on [synthetic clips](clips.md#the-synthetic-set); how well
real faces are read can't be seen here.

```
python -m benchmarks.learning --portraits DIR --out OUT     # DIR: the Face Research Lab London Set
cp OUT/results.json docs/learning.json && make docs      # writes this page
```

Neutral portraits play the seven expressions in clips of 16 to 24 frames: 40 people six times each, 1,680 clips to learn
from; 20 other people four times, 560 clips to test on. For two processor cores the networks are *small editions* of the
same code: smaller sides, widths and depths, as the first table says; everything else is as in the zoo. Rows that are
missing have not been measured.

Machine: {machine}.
*CPU s* are processor seconds on one thread, other programs running.

"""
BY_HEART = """## By heart

32 clips of 32 people, four or five of each expression, mirrored at random and seen in frames chosen at random. A
training ends when the network, in test mode, knows all of them, or after 120 epochs
(mae-dfer and xlsr-53, which are slower alone, after 400; vgg13 after 240).

| network | small edition | parameters | clips known | epochs | loss | CPU s |
|---|---|---:|---:|---:|---:|---:|
"""
PRETRAINING = """
## Masked pre-training

MAE-DFER draws the half of the learned clips that is hidden from it (sides, width and depth as above, a decoder of 2
blocks; full-size ones hide nine tenths, of which so coarse patches would leave too little to go by). Then a linear
classifier is fitted to the features of the learned clips and asked about the others, its penalty chosen for each
network on people of the learned clips; chance is 0.143.

| | |
|---|---:|
"""
NO_BETTER = """
The loss falls, but to a linear classifier the features are no better than random ones. A random network hands on what
it sees of each place nearly as it is, and of aligned faces that tells much; the pre-trained one keeps what helps to
draw a face, of which an expression is a small part. What pre-training is good for shows in fine-tuning: see the first
two rows below.
"""
ABLATION = """
## Fusion and loss

Fine-tuning from that pre-trained encoder, or where it says so from a random start, tested on the 20 other people.
*none* is MAE-DFER alone; *add* and *concat* fuse it with MMNet's CA branch. *Weak* clips have an intensity below 0.5;
neutral ones have none, and count in *all* only. UAR is the mean recall, WAR the accuracy, in brackets its 95 % interval
(Wilson). One run a row: differences within the intervals mean nothing.

| fusion, loss | all: UAR | all: WAR | weak: UAR | weak: WAR | strong: UAR | strong: WAR | CPU s |
|---|---:|---:|---:|---:|---:|---:|---:|
"""


def markdown(results: dict[str, Any]) -> str:
    """The page."""
    text = HEAD.format(machine=results["machine"]) + BY_HEART
    for name, row in rows(results, "by heart ").items():
        text += f"| {name} | {row['reduced']} | {row['params']:,} | {row['war']:.1%} | {row['epochs']} "
        text += f"| {row['loss']:.3f} | {row['cpu_seconds']:.0f} |\n"
    elsewhere: dict[str, list[str]] = {}
    for name, row in rows(results, "by heart ").items():
        if "machine" in row:
            elsewhere.setdefault(row["machine"], []).append(name)
    for where, names in elsewhere.items():
        text += f"\nOn another machine, {where}: {', '.join(names)}.\n"
    if "pre-training" in results:
        text += PRETRAINING + pretraining(results["pre-training"])
    if ablation := rows(results, "ablation "):
        text += ABLATION
        for name, row in ablation.items():
            parts = " | ".join(f"{row[part]['uar']:.3f} | {share(row[part])}" for part in ("all", "low", "high"))
            text += f"| {name} | {parts} | {row['cpu_seconds']:.0f} |\n"
        text += f"\n{next(iter(ablation.values()))['epochs']} epochs each.\n"
    return text


def rows(results: dict[str, Any], begin: str) -> dict[str, Any]:
    return {name.removeprefix(begin): row for name, row in results.items() if name.startswith(begin)}


def pretraining(row: dict[str, Any]) -> str:
    random = ", ".join(f"{accuracy:.3f}" for accuracy in row["probe_of_random"])
    lines = {
        "loss of the first epoch": f"{row['first_loss']:.4f}",
        f"loss of the last, number {row['epochs']}": f"{row['last_loss']:.4f}",
        "loss on the test clips": f"{row['held_out_loss']:.4f}",
        "accuracy of the probe, pre-trained features": f"{row['probe']:.3f}",
        "accuracy of the probe, features of three random networks": random,
    }
    text = "".join(f"| {what} | {value} |\n" for what, value in lines.items())
    if row["probe"] <= max(row["probe_of_random"]):
        text += NO_BETTER
    return text


def share(part: dict[str, Any]) -> str:
    low, high = part["interval"]
    return f"{part['war']:.3f} ({low:.2f} to {high:.2f})"
