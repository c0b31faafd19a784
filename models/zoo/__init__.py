"""Networks, each readable top to bottom in one file. They need the ``train`` extra (torch); the list of them, which
does not, is ``models.zoo.networks``.
"""
