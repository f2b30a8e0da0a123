"""Shared pieces of the detectors: cells, nulls, laws, intervals. Arrays in, arrays out; no column names, no verdicts.

What is counted on the device comes to the host as counts, a few thousand integers a column; nulls are drawn there, by
one kernel set for every backend, which is why all backends see the same draws.
"""
