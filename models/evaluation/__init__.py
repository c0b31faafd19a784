"""The parts of ``moodcast models evaluate``; ``models.evaluation.evaluate`` puts them together. Torch-free."""

KINDS = ("neutral", "happy")
"""What people were asked to show in the portraits."""
