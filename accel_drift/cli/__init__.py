"""The command line: `accel-drift score`, `fit`, `demo` and `info`.

A package of five: `app` declares the commands and turns every mistake into one line and an exit code, `options` says
what each option means, `scoring` does the work of `score` and `fit`, `machine` that of `info`, `console` writes to
the terminal. Only `app` and `options` are loaded for `--help`.
"""

from accel_drift.cli.app import main as main
