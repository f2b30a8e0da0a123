// Counts of values above cut points, by comparison: cuts and counts stay in registers, nothing is scattered.
//
// Each block writes its own counts, which are whole numbers; there are no atomics.

constexpr int CUTS = 16;      // cuts of one pass over a block's rows
constexpr int THREADS = 128;  // of a block

template <typename T>
struct alignas(16) Pack {
  T value[16 / sizeof(T)];
};

template <typename T>
DEVICE void compare(T x, bool there, const T (&cut)[CUTS], u32 (&above)[CUTS], u32& present) {
  present += there;
  for (int k = 0; k < CUTS; ++k) above[k] += there && x > cut[k];
}

// The sum over the threads of a column; its first thread knows it.
DEVICE i64 over_column(u32 mine, unsigned columns) {
  __shared__ i64 parts[THREADS];
  __syncthreads();
  parts[threadIdx.x] = mine;
  __syncthreads();
  for (unsigned apart = THREADS / 2; apart >= columns; apart /= 2) {
    if (threadIdx.x < apart) parts[threadIdx.x] += parts[threadIdx.x + apart];
    __syncthreads();
  }
  return parts[threadIdx.x];
}

// x (n, d) and mask (n, d) with steps from row to row and from column to column, cuts (d, c) -> out (pieces, d, c + 1):
// of each piece of the rows the values that are there, then those above each cut.
//
// A block has THREADS / columns threads for each of `columns` (1, 2, 4 ... 32) neighbouring columns. Where rows are
// neighbours in memory columns is 1, and a thread reads 16 bytes at once if the column begins at a multiple of 16.
template <typename T>
DEVICE void histogram(const T* x, i64 row, i64 column, const bool* mask, i64 mask_row, i64 mask_column, const T* cuts,
                      i64* out, i64 n, i64 d, i64 c, i64 columns, i64 pieces) {
  constexpr i64 WIDE = 16 / sizeof(T);
  i64 piece = blockIdx.x % pieces, j = blockIdx.x / pieces * columns + threadIdx.x % columns;
  bool inside = j < d;
  i64 lanes = THREADS / columns, lane = threadIdx.x / columns;
  // Pieces begin at multiples of a whole round of 16 bytes a thread.
  i64 round = THREADS * WIDE, size = ((n + pieces - 1) / pieces + round - 1) / round * round;
  i64 start = min(n, piece * size), stop = inside ? min(n, start + size) : start;
  const T* values = x + (inside ? j : 0) * column;
  const bool* there = mask + (inside ? j : 0) * mask_column;
  bool wide = row == 1 && columns == 1 && (u64)values % 16 == 0;
  for (i64 first = 0; first == 0 || first < c; first += CUTS) {
    T cut[CUTS];
    u32 above[CUTS] = {}, present = 0;
    for (int k = 0; k < CUTS; ++k) cut[k] = inside && first + k < c ? cuts[j * c + first + k] : T(0);
    i64 i = start;
    for (; wide && i + round <= stop; i += round) {
      i64 at = i + lane * WIDE;
      Pack<T> pack = *(const Pack<T>*)(values + at);
      for (i64 v = 0; v < WIDE; ++v) compare(pack.value[v], there[(at + v) * mask_row], cut, above, present);
    }
    for (i64 at = i + lane; at < stop; at += lanes) {
      compare(values[at * row], there[at * mask_row], cut, above, present);
    }
    i64* mine = out + (piece * d + j) * (c + 1);
    i64 all = over_column(present, columns);
    if (first == 0 && lane == 0 && inside) mine[0] = all;
    for (int k = 0; k < CUTS; ++k) {
      i64 sum = over_column(above[k], columns);
      if (lane == 0 && inside && first + k < c) mine[1 + first + k] = sum;
    }
  }
}

#define HISTOGRAM(name, T)                                                                                      \
  KERNEL __launch_bounds__(THREADS) name(const T* x, i64 row, i64 column, const bool* mask, i64 mask_row,       \
                                         i64 mask_column, const T* cuts, i64* out, i64 n, i64 d, i64 c,         \
                                         i64 columns, i64 pieces) {                                             \
    histogram(x, row, column, mask, mask_row, mask_column, cuts, out, n, d, c, columns, pieces);                \
  }
HISTOGRAM(histogram_f32, float)
HISTOGRAM(histogram_f64, double)
HISTOGRAM(histogram_i64, i64)
