"""Speed and error, side by side: ours, the peers, and the limit.

``python -m benchmarks`` runs all, ``python -m benchmarks intensity`` one. Everything runs on one thread, which must
be said before NumPy is imported, hence here.
"""

import os as _os

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    _os.environ[_variable] = "1"
