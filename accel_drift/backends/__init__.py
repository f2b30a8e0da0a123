"""Array libraries behind one small class: one private module each, found by its file name.

A new backend is a new file `_name.py` here that defines `BACKEND`, a `Backend` subclass; a package outside
offers its class under the entry point group "accel_drift.backends". Importing this package imports no array
library but NumPy.
"""

from accel_drift.backends.base import Array as Array
from accel_drift.backends.base import Backend as Backend
from accel_drift.backends.base import Namespace as Namespace
from accel_drift.backends.registry import ASKED as ASKED
from accel_drift.backends.registry import HOST as HOST
from accel_drift.backends.registry import available_backends as available_backends
from accel_drift.backends.registry import choose as choose
from accel_drift.backends.registry import for_columns as for_columns
from accel_drift.backends.registry import get_backend as get_backend
from accel_drift.backends.registry import names as names
from accel_drift.backends.registry import open_backend as open_backend
from accel_drift.backends.registry import why_not as why_not
