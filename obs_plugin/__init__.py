"""The script that OBS loads. Standard library only, Python 3.8 syntax."""

import os

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "moodcast_obs.py")
"""Path to give to OBS under Tools > Scripts."""
