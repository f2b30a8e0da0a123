"""The command line: `accel-drift score`, `fit`, `calibrate`, `simulate`, `evaluate`, `demo`, `info` and others.

`app` turns every mistake into one line and an exit code, and declares the commands (`studying`, `configuring` and
`histories` some of them), `options` says what each option means (`evaluation_options` those of `evaluate`), `scoring`,
`learning`, `simulating`, `evaluating` and `machine` do the work, `console` writes to the terminal. Only what declares
commands and options is loaded for `--help`.
"""

from accel_drift.cli.app import main as main
