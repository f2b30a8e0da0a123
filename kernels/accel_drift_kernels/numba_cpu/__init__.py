"""CPU kernels: loops by Numba, some with vector instructions of their own; products of rows are among these.

No BLAS is called: its threads would come on top of ours, and their number is one setting for the whole process.
No Numba parallel region is used: its workqueue layer aborts the process when two Python threads enter one.
Kernels release the GIL instead and a pool of Python threads calls them on pieces; every result is the same
for any number of threads.
"""

from accel_drift_kernels.numba_cpu.bins import quantile_bins as quantile_bins
from accel_drift_kernels.numba_cpu.columns import bit_counts as bit_counts
from accel_drift_kernels.numba_cpu.columns import code_counts as code_counts
from accel_drift_kernels.numba_cpu.columns import column_counts as column_counts
from accel_drift_kernels.numba_cpu.columns import count_codes as count_codes
from accel_drift_kernels.numba_cpu.columns import histogram as histogram
from accel_drift_kernels.numba_cpu.confidences import confidence_rows as confidence_rows
from accel_drift_kernels.numba_cpu.counts import bin_index as bin_index
from accel_drift_kernels.numba_cpu.distances import pair_distances as pair_distances
from accel_drift_kernels.numba_cpu.draws import dirichlet_multinomial as dirichlet_multinomial
from accel_drift_kernels.numba_cpu.draws import hypergeometric as hypergeometric
from accel_drift_kernels.numba_cpu.draws import multinomial as multinomial
from accel_drift_kernels.numba_cpu.ks_windows import scan_ks_windows as scan_ks_windows
from accel_drift_kernels.numba_cpu.ordered import cdf_distances as cdf_distances
from accel_drift_kernels.numba_cpu.ordered import lattice_tail as lattice_tail
from accel_drift_kernels.numba_cpu.ordered import pooled_cells as pooled_cells
from accel_drift_kernels.numba_cpu.ordered import sort_columns as sort_columns
from accel_drift_kernels.numba_cpu.ordered import sorted_counts as sorted_counts
from accel_drift_kernels.numba_cpu.pair_label_sums import pair_label_sums as pair_label_sums
from accel_drift_kernels.numba_cpu.pair_sums import cross_group_sums as cross_group_sums
from accel_drift_kernels.numba_cpu.pair_sums import cross_row_sums as cross_row_sums
from accel_drift_kernels.numba_cpu.pair_sums import pair_group_sums as pair_group_sums
from accel_drift_kernels.numba_cpu.pair_sums import pair_row_sums as pair_row_sums
from accel_drift_kernels.numba_cpu.pair_sums import subset_pair_sums as subset_pair_sums
from accel_drift_kernels.numba_cpu.phases import phase_products as phase_products
from accel_drift_kernels.numba_cpu.phases import phase_totals as phase_totals
from accel_drift_kernels.numba_cpu.streams import scan_streams as scan_streams
from accel_drift_kernels.numba_cpu.windows import scan_windows as scan_windows
from accel_drift_kernels.numba_cpu.words import permutation_labels as permutation_labels
from accel_drift_kernels.numba_cpu.words import random_words as random_words
