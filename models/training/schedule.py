"""Learning rate over the steps of a run."""

import math


def learning_rate(step: int, steps: int, peak: float, warm_up: float) -> float:
    """Linear rise over the share ``warm_up`` of the steps, then a half cosine to zero (Loshchilov & Hutter 2017).

    ``step`` counts from 0 to ``steps`` - 1.
    """
    rising = max(1, round(warm_up * steps))
    if step < rising:
        return peak * (step + 1) / rising
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
