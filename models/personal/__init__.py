"""A model that learns the person: the adaptation of Churaev and Savchenko 2023, its protocols, and posteriors' edition.

Networks that look at faces stay as they are; a universal head learns on many people, a personal one goes on from it on
a few clips of one person. What needs torch imports it where it is used, and says so where it is missing.
"""
