"""Every operation in array-API terms: right on any library, fast on none in particular.

Loops over cells, cuts and tiles are Python loops, and the random draws stop when a value read back from the
device says so: these functions run eagerly. `jax_xla` passes the same draws a loop that can be compiled.
"""

from accel_drift_kernels.portable.bins import quantile_bins as quantile_bins
from accel_drift_kernels.portable.confidences import confidence_rows as confidence_rows
from accel_drift_kernels.portable.counts import bin_index as bin_index
from accel_drift_kernels.portable.counts import bit_counts as bit_counts
from accel_drift_kernels.portable.counts import code_counts as code_counts
from accel_drift_kernels.portable.counts import column_counts as column_counts
from accel_drift_kernels.portable.counts import count_codes as count_codes
from accel_drift_kernels.portable.counts import histogram as histogram
from accel_drift_kernels.portable.distances import pair_distances as pair_distances
from accel_drift_kernels.portable.draws import dirichlet_multinomial as dirichlet_multinomial
from accel_drift_kernels.portable.draws import hypergeometric as hypergeometric
from accel_drift_kernels.portable.draws import multinomial as multinomial
from accel_drift_kernels.portable.ks_windows import scan_ks_windows as scan_ks_windows
from accel_drift_kernels.portable.ordered import cdf_distances as cdf_distances
from accel_drift_kernels.portable.ordered import lattice_tail as lattice_tail
from accel_drift_kernels.portable.ordered import pooled_cells as pooled_cells
from accel_drift_kernels.portable.ordered import sort_columns as sort_columns
from accel_drift_kernels.portable.ordered import sorted_counts as sorted_counts
from accel_drift_kernels.portable.pair_sums import cross_group_sums as cross_group_sums
from accel_drift_kernels.portable.pair_sums import cross_row_sums as cross_row_sums
from accel_drift_kernels.portable.pair_sums import pair_group_sums as pair_group_sums
from accel_drift_kernels.portable.pair_sums import pair_label_sums as pair_label_sums
from accel_drift_kernels.portable.pair_sums import pair_row_sums as pair_row_sums
from accel_drift_kernels.portable.pair_sums import subset_pair_sums as subset_pair_sums
from accel_drift_kernels.portable.phases import phase_products as phase_products
from accel_drift_kernels.portable.phases import phase_totals as phase_totals
from accel_drift_kernels.portable.streams import scan_streams as scan_streams
from accel_drift_kernels.portable.windows import scan_windows as scan_windows
from accel_drift_kernels.portable.words import permutation_labels as permutation_labels
from accel_drift_kernels.portable.words import random_words as random_words
