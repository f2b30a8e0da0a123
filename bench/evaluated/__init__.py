"""What `bench/evaluation_study.py` evaluates, through the package's own harness: contenders, scenarios and drifts."""
