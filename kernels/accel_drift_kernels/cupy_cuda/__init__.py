"""CUDA kernels through CuPy: kernel sums and histograms are our own, the other operations the portable ones.

This set has never run on a GPU. The tests compile its CUDA files for several devices and run them, as plain C++, on
the CPU; what they cannot show is speed. Operations move here one by one, as a measurement on a device shows that a
kernel of its own is faster.

`ACCEL_DRIFT_WGMMA=1` in the environment takes a Hopper device's own instructions for the labels of 16-bit rows.
"""

from accel_drift_kernels.cupy_cuda.histogram import histogram as histogram
from accel_drift_kernels.cupy_cuda.pair_sums import cross_group_sums as cross_group_sums
from accel_drift_kernels.cupy_cuda.pair_sums import cross_row_sums as cross_row_sums
from accel_drift_kernels.cupy_cuda.pair_sums import pair_group_sums as pair_group_sums
from accel_drift_kernels.cupy_cuda.pair_sums import pair_label_sums as pair_label_sums
from accel_drift_kernels.cupy_cuda.pair_sums import pair_row_sums as pair_row_sums
from accel_drift_kernels.cupy_cuda.pair_sums import subset_pair_sums as subset_pair_sums
from accel_drift_kernels.portable import bin_index as bin_index
from accel_drift_kernels.portable import bit_counts as bit_counts
from accel_drift_kernels.portable import cdf_distances as cdf_distances
from accel_drift_kernels.portable import code_counts as code_counts
from accel_drift_kernels.portable import column_counts as column_counts
from accel_drift_kernels.portable import confidence_rows as confidence_rows
from accel_drift_kernels.portable import count_codes as count_codes
from accel_drift_kernels.portable import dirichlet_multinomial as dirichlet_multinomial
from accel_drift_kernels.portable import hypergeometric as hypergeometric
from accel_drift_kernels.portable import lattice_tail as lattice_tail
from accel_drift_kernels.portable import multinomial as multinomial
from accel_drift_kernels.portable import pair_distances as pair_distances
from accel_drift_kernels.portable import permutation_labels as permutation_labels
from accel_drift_kernels.portable import phase_products as phase_products
from accel_drift_kernels.portable import phase_totals as phase_totals
from accel_drift_kernels.portable import pooled_cells as pooled_cells
from accel_drift_kernels.portable import quantile_bins as quantile_bins
from accel_drift_kernels.portable import random_words as random_words
from accel_drift_kernels.portable import scan_ks_windows as scan_ks_windows
from accel_drift_kernels.portable import scan_streams as scan_streams
from accel_drift_kernels.portable import scan_windows as scan_windows
from accel_drift_kernels.portable import sort_columns as sort_columns
from accel_drift_kernels.portable import sorted_counts as sorted_counts
