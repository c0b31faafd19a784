"""The script that OBS loads. Standard library only, Python 3.8 syntax."""

from pathlib import Path

SCRIPT = str(Path(__file__).resolve().parent / "moodcast_obs.py")
"""Path to give to OBS under Tools > Scripts."""
