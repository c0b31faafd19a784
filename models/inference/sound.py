"""Sound as networks hear it: one channel, ``RATE`` samples a second, -1..1."""

RATE = 16_000
