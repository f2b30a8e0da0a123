// Kernel sums on tensor cores, for rows of 16-bit floats: product, kernel and second product without leaving the
// registers.
//
// A block takes 128 rows and walks the tiles of 64 rows to the right of them. A tile's products z z' become kernel
// values in the registers of the thread that has them; rounded to 16 bits they are, as they lie, the left operand of
// the product with the labels. Labels are bits; one shift and one mask make two numbers of them. The scheme is that of
// FlashAttention (Dao 2023; Shah et al. 2024) without its softmax, and over half the matrix, which is symmetric.
//
// KIND is 0 for the Gaussian kernel, 1 for Laplace, 2 for distance. The caller folds what is constant into `scale`:
// K is 2^(-scale near), 2^(-sqrt(scale near)) or -sqrt(scale near), near being half a squared distance.
//
// z has `width` columns, a multiple of 16 (of 64 for wgmma), and rows up to a multiple of 128 and 128 more; those that
// are no data are zero, and so are their norms. Every sum has its own place, and each block's order is fixed.

const int ROWS = 128;   // of a block
const int COLS = 64;    // rows of z that are a tile's columns
const int LABELS = 128; // labellings of a block: 127, and one that marks every row
const int FLUSH = 64;   // tiles after which sums move from float32 to float64: tensor cores cut off, they do not round

// ---- labels ----

// Bits as the kernels read them: word ((p / 127 * tiles + row / 64) * 128 + p % 127) * 2 + row % 64 / 32, in which row r
// of 32 is bit r / 2, and 16 above that for odd r: two neighbours lie 16 bits apart.
// A block takes one tile and one set of 127 labellings; a thread takes a word.
KERNEL pack_labels(const unsigned char* labels, u32* out, i64 bytes, i64 rows, i64 count, i64 tiles) {
  i64 tile = blockIdx.x, set = blockIdx.y, word = threadIdx.x, p = word / 2;
  i64 first = tile * COLS + word % 2 * 32, labelling = set * (LABELS - 1) + p;
  u32 bits = p == LABELS - 1 ? 0xFFFFFFFFu : 0;
  for (i64 r = 0; r < 32 && first + r < rows && p < LABELS - 1 && labelling < count; ++r) {
    u32 bit = labels[(first + r) * bytes + labelling / 8] >> (labelling % 8) & 1;
    bits |= bit << (r / 2 + r % 2 * 16);
  }
  out[(set * tiles + tile) * LABELS * 2 + word] = bits;
}

DEVICE bool marked(const u32* bits, int row, int p) {
  u32 word = bits[(row / COLS * LABELS + p) * 2 + row % COLS / 32];
  return word >> (row % 32 / 2 + row % 2 * 16) & 1;
}

// Two labels as 16-bit numbers, 2 for a mark: of `word` shifted by the place of the first, its bits 0 and 16 + `at`.
DEVICE u32 two_labels(u32 word, int at) { return word << (14 - at) & 0x40004000u; }

// ---- kernel ----

struct Law {
  float scale, share;
};

DEVICE float kernel_value(float product, float norms, Law law) {
  float near = norms - product;
  if (KIND == 0) return power_of_two(-law.scale * max(near, 0.0f));
  // What is within rounding of 0 is 0: its root would be far from it.
  float length = near <= law.share * norms ? 0.0f : root(law.scale * near);
  return KIND == 1 ? power_of_two(-length) : -length;
}

// Which pairs of a block's rows and a tile's columns count: those below the stops that are not one row.
struct Bounds {
  i64 row, column, row_stop, column_stop;
};

// A tile with pairs that do not count. A tile without is spared the question.
DEVICE bool ragged(Bounds b) {
  bool square = b.row < b.column + COLS && b.column < b.row + ROWS;
  return square || b.row + ROWS > b.row_stop || b.column + COLS > b.column_stop;
}

// Products of two rows with two columns -> kernel values.
DEVICE void kernel_values(const float (&s)[4], const float (&mine)[2], const float* norms, int row, int column,
                          Bounds b, bool check, Law law, float (&k)[4]) {
#pragma unroll
  for (int e = 0; e < 4; ++e) {
    int r = row + e / 2 * 8, c = column + e % 2;
    k[e] = kernel_value(s[e], mine[e / 2] + norms[c], law);
    if (check && (b.row + r >= b.row_stop || b.column + c >= b.column_stop || b.row + r == b.column + c)) k[e] = 0.0f;
  }
}

// ---- the sums of a block's labels ----

// Adds the products with the labels that a warp holds (2 K e, rows `first` ... of the block) to the sums of thread
// p < 128: sums[0] of e'Ke and sums[1] of e'K1. A tile above the diagonal has weight 2, for its mirror below, whose rows
// are its columns. `scratch` holds ROWS + 2 * LABELS * warps floats.
template <int STRIPS, int WARPS>
DEVICE void fold(float (&acc)[STRIPS][16][4], const u32* bits, int first, int weight, float* scratch,
                 double (&sums)[2]) {
  int thread = threadIdx.x, warp = thread / 32, g = thread % 32 / 4, q = thread % 4;
  float *row_sums = scratch, *parts = scratch + ROWS;
  // The last labelling marks every row: its products are the row sums of K.
#pragma unroll
  for (int m = 0; m < STRIPS; ++m) {
    if (q == 3) {
      row_sums[first + 16 * m + g] = acc[m][15][1];
      row_sums[first + 16 * m + g + 8] = acc[m][15][3];
    }
  }
  __syncthreads();
#pragma unroll
  for (int n = 0; n < 16; ++n) {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      int p = 8 * n + 2 * q + e;
      float quad = 0.0f, linear = 0.0f;
#pragma unroll
      for (int r = 0; r < 2 * STRIPS; ++r) {
        int row = first + 8 * r + g;
        float value = acc[r / 2][n][r % 2 * 2 + e];
        bool one = marked(bits, row, p);
        quad += one ? value : 0.0f;
        linear += (one ? row_sums[row] : 0.0f) + (weight == 2 ? value : 0.0f);
      }
#pragma unroll
      for (int flipped = 4; flipped < 32; flipped *= 2) {
        quad += from_lane(quad, flipped);
        linear += from_lane(linear, flipped);
      }
      if (g == 0) {
        parts[(warp * LABELS + p) * 2] = quad;
        parts[(warp * LABELS + p) * 2 + 1] = linear;
      }
    }
  }
  __syncthreads();
  for (int w = 0; w < WARPS && thread < LABELS; ++w) {
    sums[0] += weight * (double)parts[(w * LABELS + thread) * 2];
    sums[1] += parts[(w * LABELS + thread) * 2 + 1];
  }
  __syncthreads();
#pragma unroll
  for (int i = 0; i < STRIPS * 64; ++i) acc[i / 64][i / 4 % 16][i % 4] = 0.0f;
}

// Whether the sums move on after this tile: the block's square on the diagonal has a weight of its own.
DEVICE bool flushes(i64 tile, i64 first, i64 tiles) { return tile == tiles - 1 || (tile - first - 1) % FLUSH == 0; }

DEVICE void store_sums(double* out, const double (&sums)[2]) {
  i64 block = (i64)blockIdx.y * gridDim.x + blockIdx.x;
  if (threadIdx.x < LABELS) {
    out[(block * LABELS + threadIdx.x) * 2] = sums[0];
    out[(block * LABELS + threadIdx.x) * 2 + 1] = sums[1];
  }
}

// ---- any device of compute capability 8.0 and later: mma.sync, 4 warps, 32 rows each ----

const int THREADS = 128;

// Begins to copy rows of z to shared memory. 16 bytes between rows keep ldmatrix free of bank conflicts.
DEVICE void copy_rows(u16* to, const u16* z, i64 first, int rows, int width) {
  int units = width / 8;
  for (int i = threadIdx.x; i < rows * units; i += THREADS) {
    int row = i / units, unit = i % units;
    copy_16_bytes(to + row * (width + 8) + unit * 8, z + (first + row) * width + unit * 8);
  }
}

// Products of a warp's 32 rows with 32 columns.
DEVICE void products(const u16* mine, const u16* theirs, int width, float (&s)[2][4][4]) {
  int lane = threadIdx.x % 32, pitch = width + 8;
#pragma unroll
  for (int i = 0; i < 32; ++i) s[i / 16][i / 4 % 4][i % 4] = 0.0f;
  for (int d = 0; d < width; d += 16) {
    u32 a[2][4], b[2][4];
#pragma unroll
    for (int m = 0; m < 2; ++m) {
      load_matrices(a[m], mine + (16 * m + lane % 16) * pitch + d + lane / 16 * 8);
      load_matrices(b[m], theirs + (16 * m + lane / 16 * 8 + lane % 8) * pitch + d + lane / 8 % 2 * 8);
    }
#pragma unroll
    for (int i = 0; i < 8; ++i) multiply(s[i / 4][i % 4], a[i / 4], b[i % 4 / 2][i % 2 * 2], b[i % 4 / 2][i % 2 * 2 + 1]);
  }
}

// Sums for 127 labellings and all rows: grid (sets of labellings, blocks of rows) -> out (height, width, 128, 2).
KERNEL __launch_bounds__(THREADS) label_sums_mma(const u16* z, const float* half, const u32* bits, double* out, i64 n,
                                                 i64 width, i64 tiles, double scale, double share) {
  u16* mine = (u16*)dynamic_shared();
  u16* theirs = mine + ROWS * (width + 8);
  u32* labels = (u32*)(theirs + 2 * COLS * (width + 8));
  float* norms = (float*)(labels + 2 * 2 * LABELS);
  float* scratch = norms + 2 * COLS;
  int thread = threadIdx.x, g = thread % 32 / 4, q = thread % 4, top = thread / 32 * 32;
  i64 row = (i64)blockIdx.y * ROWS, first = row / COLS;
  const u32* packed = bits + (i64)blockIdx.x * tiles * LABELS * 2;
  Law law = {(float)scale, (float)share};

  // Copies of a tile go to one half of the memory while the other is in use.
  auto begin = [&](i64 tile) {
    int side = tile % 2;
    copy_rows(theirs + side * COLS * (width + 8), z, tile * COLS, COLS, width);
    if (thread < 64) copy_16_bytes(labels + side * 2 * LABELS + thread * 4, packed + tile * LABELS * 2 + thread * 4);
    if (thread < 16) copy_16_bytes(norms + side * COLS + thread * 4, half + tile * COLS + thread * 4);
  };

  float own[2][2], acc[2][16][4];
  double sums[2] = {0.0, 0.0};
#pragma unroll
  for (int i = 0; i < 4; ++i) own[i / 2][i % 2] = half[row + top + 8 * i + g];
#pragma unroll
  for (int i = 0; i < 128; ++i) acc[i / 64][i / 4 % 16][i % 4] = 0.0f;
  copy_rows(mine, z, row, ROWS, width);
  begin(first);
  for (i64 tile = first; tile < tiles; ++tile) {
    int side = tile % 2;
    copies_done();
    __syncthreads();
    if (tile + 1 < tiles) begin(tile + 1);
    Bounds bounds = {row, tile * COLS, n, n};
    bool check = ragged(bounds);
    for (int part = 0; part < COLS; part += 32) {
      float s[2][4][4];
      u32 k[2][2][4];
      products(mine + top * (width + 8), theirs + (side * COLS + part) * (width + 8), width, s);
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        int m = i / 4, c = i % 4;
        float v[4];
        kernel_values(s[m][c], own[m], norms + side * COLS, top + 16 * m + g, part + 8 * c + 2 * q, bounds, check, law,
                      v);
        k[m][c / 2][c % 2 * 2] = two_halves(v[0], v[1]);
        k[m][c / 2][c % 2 * 2 + 1] = two_halves(v[2], v[3]);
      }
#pragma unroll
      for (int n = 0; n < 16; ++n) {
        u32 word = labels[side * 2 * LABELS + (8 * n + g) * 2 + part / 32] >> q;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          int step = i / 2, m = i % 2;
          multiply(acc[m][n], k[m][step], two_labels(word, 8 * step), two_labels(word, 8 * step + 4));
        }
      }
    }
    if (flushes(tile, first, tiles)) {
      fold<2, 4>(acc, packed + first * LABELS * 2, top, tile > first + 1 ? 2 : 1, scratch, sums);
    }
  }
  store_sums(out, sums);
}

// Sums between runs of rows: pieces (P, 3) of up to 128 rows from, to and their run, ends (G) -> out (P, G), column h
// the sum of K over the piece's rows and those of run h, for h from the piece's own run on. A block takes a piece.
KERNEL __launch_bounds__(THREADS) group_sums_mma(const u16* z, const float* half, const i64* pieces, const i64* ends,
                                                 double* out, i64 groups, i64 width, double scale, double share) {
  u16* mine = (u16*)dynamic_shared();
  u16* theirs = mine + ROWS * (width + 8);
  float* norms = (float*)(theirs + 2 * COLS * (width + 8));
  double* parts = (double*)(norms + 2 * COLS);
  int thread = threadIdx.x, g = thread % 32 / 4, q = thread % 4, top = thread / 32 * 32, side = 0;
  i64 row = pieces[3 * blockIdx.x], row_stop = pieces[3 * blockIdx.x + 1], run = pieces[3 * blockIdx.x + 2];
  Law law = {(float)scale, (float)share};

  auto begin = [&](i64 column, int to) {
    copy_rows(theirs + to * COLS * (width + 8), z, column, COLS, width);
    // A run may begin anywhere, and copies of 16 bytes may not.
    if (thread < COLS) norms[to * COLS + thread] = half[column + thread];
  };

  float own[2][2];
#pragma unroll
  for (int i = 0; i < 4; ++i) own[i / 2][i % 2] = half[row + top + 8 * i + g];
  copy_rows(mine, z, row, ROWS, width);
  i64 column = run ? ends[run - 1] : 0;
  begin(column, side);
  for (i64 h = run; h < groups; ++h) {
    i64 stop = ends[h];
    double sum = 0.0;
    for (; column < stop; side ^= 1) {
      copies_done();
      __syncthreads();
      i64 next = min(column + COLS, stop);
      if (h + 1 < groups || next < stop) begin(next, side ^ 1);
      Bounds bounds = {row, column, row_stop, stop};
      bool check = ragged(bounds);
      float tile_sum = 0.0f;
      for (int part = 0; part < COLS; part += 32) {
        float s[2][4][4];
        products(mine + top * (width + 8), theirs + (side * COLS + part) * (width + 8), width, s);
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          int m = i / 4, c = i % 4;
          float v[4];
          kernel_values(s[m][c], own[m], norms + side * COLS, top + 16 * m + g, part + 8 * c + 2 * q, bounds, check,
                        law, v);
          tile_sum += (v[0] + v[1]) + (v[2] + v[3]);
        }
      }
      sum += tile_sum;
      column = next;
    }
    parts[thread] = sum;
    __syncthreads();
    for (int apart = THREADS / 2; apart > 0; apart /= 2) {
      if (thread < apart) parts[thread] += parts[thread + apart];
      __syncthreads();
    }
    if (thread == 0) out[blockIdx.x * groups + h] = parts[0];
  }
  copies_done();
}

#if defined(WGMMA)
// ---- compute capability 9.0: wgmma, 8 warps in two groups of 64 rows ----

const int WIDE = 256;

// Begins to copy rows of z in columns of 64, each row of which is 128 bytes, swizzled.
DEVICE void copy_swizzled(u16* to, const u16* z, i64 first, int rows, int width) {
  int units = width / 8;
  for (int i = threadIdx.x; i < rows * units; i += WIDE) {
    int row = i / units, unit = i % units;
    u16* line = to + (unit / 8 * rows + row) * 64;
    copy_16_bytes(line + ((unit % 8) ^ (row % 8)) * 8, z + (first + row) * width + unit * 8);
  }
}

// The labels of a tile as numbers: a row of 64 for each labelling, swizzled.
DEVICE void expand_labels(u16* to, const u32* bits) {
  int p = threadIdx.x / 2, part = threadIdx.x % 2;
  u32 word = bits[p * 2 + part];
#pragma unroll
  for (int unit = 0; unit < 4; ++unit) {
    u32 four[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) four[i] = two_labels(word >> (unit * 4 + i), 0);
    store_16_bytes(to + p * 64 + ((part * 4 + unit) ^ (p % 8)) * 8, four);
  }
}

// As label_sums_mma.
KERNEL __launch_bounds__(WIDE, 1) label_sums_wgmma(const u16* z, const float* half, const u32* bits, double* out, i64 n,
                                                   i64 width, i64 tiles, double scale, double share) {
  u16* mine = (u16*)dynamic_shared();
  u16* theirs = mine + ROWS * width;
  u16* labels = theirs + 2 * COLS * width;
  float* norms = (float*)(labels + 2 * LABELS * 64);
  float* scratch = norms + 2 * COLS;
  int thread = threadIdx.x, g = thread % 32 / 4, q = thread % 4, top = thread / 32 * 16;
  i64 row = (i64)blockIdx.y * ROWS, first = row / COLS;
  const u32* packed = bits + (i64)blockIdx.x * tiles * LABELS * 2;
  Law law = {(float)scale, (float)share};

  auto begin = [&](i64 tile) {
    int side = tile % 2;
    copy_swizzled(theirs + side * COLS * width, z, tile * COLS, COLS, width);
    if (thread < 16) copy_16_bytes(norms + side * COLS + thread * 4, half + tile * COLS + thread * 4);
    expand_labels(labels + side * LABELS * 64, packed + tile * LABELS * 2);
  };

  float own[2] = {half[row + top + g], half[row + top + g + 8]}, acc[1][16][4];
  double sums[2] = {0.0, 0.0};
#pragma unroll
  for (int i = 0; i < 64; ++i) acc[0][i / 4][i % 4] = 0.0f;
  copy_swizzled(mine, z, row, ROWS, width);
  begin(first);
  for (i64 tile = first; tile < tiles; ++tile) {
    int side = tile % 2;
    copies_done();
    stores_visible();
    __syncthreads();
    float s[8][4];
#pragma unroll
    for (int i = 0; i < 32; ++i) s[i / 4][i % 4] = 0.0f;
    wgmma_begin();
    for (int d = 0; d < width; d += 16) {
      // 16 columns are 32 bytes of a swizzled row; 64 are a column of the layout.
      wgmma_tile((float(&)[32])s, matrix(mine + (d / 64 * ROWS + thread / 128 * 64) * 64 + d % 64),
                 matrix(theirs + side * COLS * width + d / 64 * COLS * 64 + d % 64));
    }
    wgmma_commit();
    if (tile + 1 < tiles) begin(tile + 1);
    wgmma_wait((float(&)[32])s);
    Bounds bounds = {row, tile * COLS, n, n};
    bool check = ragged(bounds);
    u32 k[4][4];
#pragma unroll
    for (int c = 0; c < 8; ++c) {
      float v[4];
      kernel_values(s[c], own, norms + side * COLS, top + g, 8 * c + 2 * q, bounds, check, law, v);
      k[c / 2][c % 2 * 2] = two_halves(v[0], v[1]);
      k[c / 2][c % 2 * 2 + 1] = two_halves(v[2], v[3]);
    }
    wgmma_begin();
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      wgmma_labels((float(&)[64])acc, k[step], matrix(labels + side * LABELS * 64 + 16 * step));
    }
    wgmma_commit();
    wgmma_wait((float(&)[64])acc);
#pragma unroll
    for (int step = 0; step < 4; ++step) after_wgmma(k[step]);
    if (flushes(tile, first, tiles)) {
      fold<1, 8>(acc, packed + first * LABELS * 2, top, tile > first + 1 ? 2 : 1, scratch, sums);
    }
  }
  store_sums(out, sums);
}
#endif
