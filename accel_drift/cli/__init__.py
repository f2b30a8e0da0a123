"""The command line: `accel-drift score`, `fit`, `calibrate`, `simulate`, `evaluate`, `demo`, `info` and others.

`app` declares the commands and turns every mistake into one line and an exit code, `options` says what each option
means (`evaluation_options` those of `evaluate`), `scoring`, `learning`, `simulating`, `evaluating` and `machine` do the
work of the commands, `console` writes to the terminal. Only `app` and the options are loaded for `--help`.
"""

from accel_drift.cli.app import main as main
