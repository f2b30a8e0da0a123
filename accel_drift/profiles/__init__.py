"""A reference, learned once: fit, score, save, load; and `compare`, which does it in one call.

A package of five: `profile` is the object, `scoring` takes one reference and one batch to a report, `screening`
decides which columns enter, `pictures` counts what the report draws, `file` is the form on disk.
"""

from accel_drift.profiles.profile import Profile as Profile
from accel_drift.profiles.profile import compare as compare
