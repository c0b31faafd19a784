"""What a viewer's answers teach the agent of this one face: kept on their machine alone, and off until they ask for it.

``answers`` is what one answer is, ``store`` keeps them, sealed (``sealed``) with a key that ``key`` keeps.
"""
