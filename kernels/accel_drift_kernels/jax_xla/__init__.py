"""XLA kernels through JAX, on whatever device holds the arrays.

Each operation is compiled once per shape, so row counts are padded into a few bucket sizes first. Everything
that changes from call to call (row counts, seeds, sizes of draws) is traced. Callers enter the backend's
scope: sums are float64, which JAX allows only there.
"""

from accel_drift_kernels.jax_xla.confidences import confidence_rows as confidence_rows
from accel_drift_kernels.jax_xla.counts import bin_index as bin_index
from accel_drift_kernels.jax_xla.counts import bit_counts as bit_counts
from accel_drift_kernels.jax_xla.counts import code_counts as code_counts
from accel_drift_kernels.jax_xla.counts import column_counts as column_counts
from accel_drift_kernels.jax_xla.counts import count_codes as count_codes
from accel_drift_kernels.jax_xla.counts import histogram as histogram
from accel_drift_kernels.jax_xla.distances import pair_distances as pair_distances
from accel_drift_kernels.jax_xla.draws import dirichlet_multinomial as dirichlet_multinomial
from accel_drift_kernels.jax_xla.draws import hypergeometric as hypergeometric
from accel_drift_kernels.jax_xla.draws import multinomial as multinomial
from accel_drift_kernels.jax_xla.ordered import cdf_distances as cdf_distances
from accel_drift_kernels.jax_xla.ordered import pooled_cells as pooled_cells
from accel_drift_kernels.jax_xla.ordered import sort_columns as sort_columns
from accel_drift_kernels.jax_xla.ordered import sorted_counts as sorted_counts
from accel_drift_kernels.jax_xla.pair_cross import cross_row_sums as cross_row_sums
from accel_drift_kernels.jax_xla.pair_groups import cross_group_sums as cross_group_sums
from accel_drift_kernels.jax_xla.pair_groups import pair_group_sums as pair_group_sums
from accel_drift_kernels.jax_xla.pair_subsets import subset_pair_sums as subset_pair_sums
from accel_drift_kernels.jax_xla.pair_sums import pair_label_sums as pair_label_sums
from accel_drift_kernels.jax_xla.pair_sums import pair_row_sums as pair_row_sums
from accel_drift_kernels.jax_xla.phases import phase_totals as phase_totals
from accel_drift_kernels.jax_xla.streams import scan_streams as scan_streams
from accel_drift_kernels.jax_xla.words import permutation_labels as permutation_labels
from accel_drift_kernels.jax_xla.words import random_words as random_words
from accel_drift_kernels.portable import lattice_tail as lattice_tail
from accel_drift_kernels.portable import phase_products as phase_products
from accel_drift_kernels.portable import quantile_bins as quantile_bins
from accel_drift_kernels.portable import scan_ks_windows as scan_ks_windows
from accel_drift_kernels.portable import scan_windows as scan_windows
