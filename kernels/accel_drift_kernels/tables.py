"""What several kernel sets need: the normal quantile's coefficients, small log-factorials, how cells are halved."""

from __future__ import annotations

import math
from collections.abc import Iterator

STIRLING_ERROR = (
    0.0,
    *(math.log(math.factorial(x)) - (x * math.log(x) - x) - 0.5 * math.log(2.0 * math.pi * x) for x in range(1, 16)),
)
"""ln x! - ln(sqrt(2 pi x) (x / e)^x) for x = 0...15, the root taken to be 1 for 0; the series is good to 1e-15 from 16
on."""

# Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988).
# Coefficients of rising powers, numerator and denominator, each good to 1e-16 on its own part.

CENTRAL = 0.425
"""How far from 1/2 a chance may be for `CENTRE`."""

CENTRE = (
    (
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
SHOULDER = (
    (
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)
TAIL = (
    (
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
    (
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)


def halves(k: int) -> Iterator[tuple[int, int, int, int]]:
    """How rows are dealt to k cells: which runs of cells are halved, the whole first, left halves before right ones.

    Halves vary less than one cell and all that are left, and the counts of the smallest come from few numbers of rows.

    Yields:
        The first cell of a run, that of its right half, the end, and how many right halves wait meanwhile.
    """
    runs = [(0, k)]
    while runs:
        first, end = runs.pop()
        if end - first > 1:
            middle = (first + end) // 2
            yield first, middle, end, len(runs)
            runs += [(middle, end), (first, middle)]
