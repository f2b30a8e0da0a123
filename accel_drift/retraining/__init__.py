"""When a model is to be learned again, and what does it: a policy asks, a hook runs, the history keeps what came of it.

from accel_drift import retraining as re

monitor = ad.Monitor(profile, history=history, followers=[re.Retraining(re.Policy(on="f1_drop", windows=3))])
"""

from __future__ import annotations

from accel_drift.retraining.asked import Request, cancel, find, requests
from accel_drift.retraining.follower import Retraining
from accel_drift.retraining.hooks import Called, Command, Function, Hook
from accel_drift.retraining.policy import Gate, Policy
from accel_drift.retraining.runner import Runner

__all__ = [
    "Called",
    "Command",
    "Function",
    "Gate",
    "Hook",
    "Policy",
    "Request",
    "Retraining",
    "Runner",
    "cancel",
    "find",
    "requests",
]
