"""Systems that the documents compare with, where they are more than a network of ``models.zoo`` (docs/audio-visual.md).

Research, never the agent's.
"""
