// What happens to tiles between two products of cuBLAS, and the 0/1 columns that the second one needs.
//
// Matrices are row-major and contiguous. Every sum has its own place and is added to in the order of the launches: no
// atomics, so the same input gives the same bits. Sums over a tile and across tiles are float64.

// A 16-bit float in memory.
struct Half {
  u16 bits;
};

DEVICE void store(double& to, double x) { to = x; }
DEVICE void store(float& to, double x) { to = (float)x; }
DEVICE void store(Half& to, double x) { to.bits = to_half((float)x); }
DEVICE double load(double x) { return x; }
DEVICE double load(float x) { return x; }
DEVICE double load(Half x) { return from_half(x.bits); }

DEVICE float exponential(float x) { return expf(x); }
DEVICE double exponential(double x) { return exp(x); }
DEVICE float square_root(float x) { return sqrtf(x); }
DEVICE double square_root(double x) { return sqrt(x); }

// Half the squared norm of each row: z (rows, d) -> out (rows). One thread a row.
template <typename Z, typename A>
DEVICE void half_norms(const Z* z, A* out, i64 rows, i64 d) {
  i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= rows) return;
  double sum = 0.0;
  for (i64 c = 0; c < d; ++c) {
    double x = load(z[i * d + c]);
    sum += x * x;
  }
  store(out[i], 0.5 * sum);
}

KERNEL half_norms_f64(const double* z, double* out, i64 rows, i64 d) { half_norms(z, out, rows, d); }
KERNEL half_norms_f32(const float* z, float* out, i64 rows, i64 d) { half_norms(z, out, rows, d); }
KERNEL half_norms_f16(const Half* z, float* out, i64 rows, i64 d) { half_norms(z, out, rows, d); }

// The kernel from products: product (rows, cols), mine (rows), theirs (rows / batch, cols) -> out (rows, cols).
//
// mine and theirs are half squared norms; `batch` rows belong to one set of columns. Element (i, j) of a set is on the
// diagonal, and 0, where i + shift == j. kind is 0 gaussian, 1 laplace, 2 distance; where a root follows, what is
// within the share of the norms that rounding may make is 0. One thread a column, rows in steps of the grid's height.
template <typename A, typename O>
DEVICE void kernel_tile(const A* product, const A* mine, const A* theirs, O* out, i64 rows, i64 cols, i64 batch,
                        i64 shift, i64 kind, double share, double scale) {
  i64 j = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (j >= cols) return;
  A least = kind == 0 ? (A)0 : (A)share, factor = (A)(kind == 0 ? scale : 2.0 * scale);
  for (i64 i = blockIdx.y; i < rows; i += gridDim.y) {
    i64 set = batch < rows ? i / batch : 0;
    A norms = mine[i] + theirs[set * cols + j];
    A near = norms - product[i * cols + j];
    near = near <= least * norms ? (A)0 : near;
    A k = kind == 0 ? exponential(-factor * near) : square_root(factor * near);
    if (kind == 1) k = exponential(-k);
    if (kind == 2) k = -k;
    store(out[i * cols + j], i - set * batch + shift == j ? (A)0 : k);
  }
}

#define KERNEL_TILE(name, A, O)                                                                                   \
  KERNEL name(const A* product, const A* mine, const A* theirs, O* out, i64 rows, i64 cols, i64 batch, i64 shift, \
              i64 kind, double share, double scale) {                                                             \
    kernel_tile(product, mine, theirs, out, rows, cols, batch, shift, kind, share, scale);                        \
  }
KERNEL_TILE(kernel_tile_f64, double, double)
KERNEL_TILE(kernel_tile_f32, float, float)
KERNEL_TILE(kernel_tile_f16, float, Half)

DEVICE bool marked(const unsigned char* labels, i64 bytes, i64 row, i64 p) {
  return labels[row * bytes + p / 8] >> (p % 8) & 1;
}

// Label bits as numbers: labels (rows, bytes) -> out (rows, width). Column `count` is all ones, those after it zero.
template <typename O>
DEVICE void label_columns(const unsigned char* labels, O* out, i64 bytes, i64 rows, i64 count, i64 width) {
  i64 p = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (p >= width) return;
  for (i64 i = blockIdx.y; i < rows; i += gridDim.y) {
    bool one = p < count ? marked(labels, bytes, i, p) : p == count;
    store(out[i * width + p], one ? 1.0 : 0.0);
  }
}

#define LABEL_COLUMNS(name, O)                                                                          \
  KERNEL name(const unsigned char* labels, O* out, i64 bytes, i64 rows, i64 count, i64 width) {         \
    label_columns(labels, out, bytes, rows, count, width);                                              \
  }
LABEL_COLUMNS(label_columns_f64, double)
LABEL_COLUMNS(label_columns_f32, float)
LABEL_COLUMNS(label_columns_f16, Half)

// Adds one tile: y (rows, width) = K @ columns, labels (rows, bytes) of the tile's rows -> quad, linear, both
// (gridDim.y, count + 1). Labelling `count` marks every row. A tile above the diagonal (weight 2) stands for its mirror
// below, whose rows are the tile's columns: it adds the column sums of y. One thread a labelling; each height of the
// grid has a part of the rows.
template <typename A>
DEVICE void label_sums(const A* y, const unsigned char* labels, double* quad, double* linear, i64 bytes, i64 rows,
                       i64 count, i64 width, i64 weight) {
  i64 p = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (p > count) return;
  i64 part = (rows + gridDim.y - 1) / gridDim.y, stop = min(rows, (blockIdx.y + 1) * part);
  double within = 0.0, across = 0.0, below = 0.0;
  for (i64 i = blockIdx.y * part; i < stop; ++i) {
    double value = load(y[i * width + p]);
    below += value;
    if (p == count || marked(labels, bytes, i, p)) {
      within += value;
      across += load(y[i * width + count]);
    }
  }
  quad[blockIdx.y * (count + 1) + p] += weight * within;
  linear[blockIdx.y * (count + 1) + p] += across + (weight - 1) * below;
}

#define LABEL_SUMS(name, A)                                                                                     \
  KERNEL name(const A* y, const unsigned char* labels, double* quad, double* linear, i64 bytes, i64 rows,       \
              i64 count, i64 width, i64 weight) {                                                               \
    label_sums(y, labels, quad, linear, bytes, rows, count, width, weight);                                     \
  }
LABEL_SUMS(label_sums_f64, double)
LABEL_SUMS(label_sums_f32, float)

// Column sums of pieces of rows: k (rows, cols), pieces (P, 2) from and to -> out (P, cols).
template <typename A>
DEVICE void piece_sums(const A* k, const i64* pieces, double* out, i64 cols) {
  i64 j = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (j >= cols) return;
  double sum = 0.0;
  for (i64 i = pieces[2 * blockIdx.y]; i < pieces[2 * blockIdx.y + 1]; ++i) sum += load(k[i * cols + j]);
  out[blockIdx.y * cols + j] = sum;
}

KERNEL piece_sums_f64(const double* k, const i64* pieces, double* out, i64 cols) { piece_sums(k, pieces, out, cols); }
KERNEL piece_sums_f32(const float* k, const i64* pieces, double* out, i64 cols) { piece_sums(k, pieces, out, cols); }

// Sums of the pieces over runs of rows and of columns, added to out (G, H): block (h, g) of 128 threads adds the
// pieces first[g] ... first[g + 1] and the columns from[h] ... from[h + 1] to out[row + g, column + h].
KERNEL run_sums(const double* sums, const i64* first, const i64* from, double* out, i64 cols, i64 height, i64 row,
                i64 column) {
  __shared__ double parts[128];
  i64 left = from[blockIdx.x], wide = from[blockIdx.x + 1] - left;
  i64 top = first[blockIdx.y], cells = (first[blockIdx.y + 1] - top) * wide;
  double sum = 0.0;
  for (i64 c = threadIdx.x; c < cells; c += 128) sum += sums[(top + c / wide) * cols + left + c % wide];
  parts[threadIdx.x] = sum;
  __syncthreads();
  for (unsigned apart = 64; apart > 0; apart /= 2) {
    if (threadIdx.x < apart) parts[threadIdx.x] += parts[threadIdx.x + apart];
    __syncthreads();
  }
  if (threadIdx.x == 0) out[(row + blockIdx.y) * height + column + blockIdx.x] += parts[0];
}
