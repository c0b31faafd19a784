"""``moodcast demo``: the main job on one machine, with one real agent and a simulated crowd."""
