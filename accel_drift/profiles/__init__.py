"""A reference, learned once: plan, fit, merge, score, save, load; and `compare`, which does it in one call.

`profile` is the face, `sampled` and `counted` are its two sorts, `plan` is what the second one counts by. `learning`
checks options and reads, `scoring` takes one reference and one batch to a report, `screening` decides which columns
enter, `pictures` counts what the report draws, `file` is the form on disk.
"""

from accel_drift.profiles.comparing import compare as compare
from accel_drift.profiles.plan import Plan as Plan
from accel_drift.profiles.profile import Profile as Profile
