"""The trainer behind ``moodcast models train``; it needs the ``train`` extra (torch)."""
