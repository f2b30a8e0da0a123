"""A published benchmark of drift detectors, run again: its protocol and scores, and an honest form of it."""
