// The words of instructions.cu, and CUDA's own, in plain C++: our kernels run on the CPU as they are written.
//
// The threads of a block are coroutines that give way where they wait for others, in rising or falling order, so that a
// missing barrier shows. Threads that never meet run one after another, which is faster. Copies and wgmma do their work as late as they may. What this cannot show: speed, the hardware's
// rounding in a sum, and whether NVIDIA's words about a fragment's layout were understood.

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define KERNEL extern "C" void
#define DEVICE static inline
#define __shared__ static
#define __launch_bounds__(...)

// What is defined at compile time is set at run time: one library for all.
extern "C" {
int KIND, WGMMA;
}
#define WGMMA WGMMA

using std::max;
using std::min;

struct Place {
  unsigned x, y;
};
static Place blockIdx, gridDim, blockDim, threadIdx;

struct Meeting {
  unsigned size, arrived, turn;
};
struct Copy {
  void* to;
  const void* from;
};
struct Product {
  float* c;
  int columns;
  const u32* a;
  u64 a_matrix, b_matrix;
};
struct Thread {
  jmp_buf here;
  ucontext_t start;
  std::vector<char> stack;
  bool begun, done;
  std::vector<Copy> copies;
  std::vector<Product> products;
};

static std::vector<Thread> threads;
static Meeting block_meeting, warp_meetings[32], group_meetings[8];
static jmp_buf scheduler;
static bool progress, alone;
static const char* broken;
alignas(1024) static unsigned char memory[(256 << 10) + 64];

static void breaks(const char* rule) { broken = rule; }

static void give_way() {
  if (!_setjmp(threads[threadIdx.x].here)) _longjmp(scheduler, 1);
}

static void meet(Meeting& m) {
  unsigned turn = m.turn;
  if (alone) return breaks("a kernel whose threads meet is listed");
  if (++m.arrived == m.size) {
    m.arrived = 0;
    ++m.turn;
    progress = true;
  } else {
    while (m.turn == turn) give_way();
  }
}

DEVICE void __syncthreads() { meet(block_meeting); }
DEVICE unsigned char* dynamic_shared() { return memory; }

DEVICE u16 to_half(float x) {
  _Float16 h = (_Float16)x;
  u16 bits;
  memcpy(&bits, &h, 2);
  return bits;
}
// A table: compilers without the instruction call a function for every number.
static const std::vector<float> halves = [] {
  std::vector<float> all(1 << 16);
  for (u32 i = 0; i < all.size(); ++i) {
    u16 bits = i;
    _Float16 h;
    memcpy(&h, &bits, 2);
    all[i] = h;
  }
  return all;
}();
DEVICE float from_half(u16 bits) { return halves[bits]; }
DEVICE u32 two_halves(float low, float high) { return to_half(low) | (u32)to_half(high) << 16; }
DEVICE float power_of_two(float x) { return exp2f(x); }
DEVICE float root(float x) { return sqrtf(x); }

// What a lane shows to the others of its warp. Two sets in turn: a lane can be at most one meeting ahead.
struct Shown {
  float x;
  const void* row;
  u32 a[4], b[2];
};
static Shown shown[32][2][32];

static Shown* show(const Shown& mine) {
  unsigned warp = threadIdx.x / 32, set = warp_meetings[warp].turn % 2;
  shown[warp][set][threadIdx.x % 32] = mine;
  meet(warp_meetings[warp]);
  return shown[warp][set];
}

DEVICE float from_lane(float x, int flipped) {
  Shown mine{};
  mine.x = x;
  return show(mine)[threadIdx.x % 32 ^ flipped].x;
}

DEVICE void copy_16_bytes(void* to, const void* from) {
  if (((uintptr_t)to | (uintptr_t)from) % 16) breaks("a copy of 16 bytes starts at a multiple of 16");
  threads[threadIdx.x].copies.push_back({to, from});
}
DEVICE void copies_done() {
  for (Copy& copy : threads[threadIdx.x].copies) memcpy(copy.to, copy.from, 16);
  threads[threadIdx.x].copies.clear();
}

DEVICE void load_matrices(u32 (&r)[4], const void* row) {
  if ((uintptr_t)row % 16) breaks("a row of a matrix starts at a multiple of 16 bytes");
  Shown mine{};
  mine.row = row;
  Shown* all = show(mine);
  unsigned lane = threadIdx.x % 32;
  for (int m = 0; m < 4; ++m) memcpy(&r[m], (const char*)all[8 * m + lane / 4].row + 4 * (lane % 4), 4);
}

static float half_of(u32 pair, int which) { return from_half((u16)(pair >> 16 * which)); }

DEVICE void multiply(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  Shown mine{};
  memcpy(mine.a, a, sizeof mine.a);
  mine.b[0] = b0;
  mine.b[1] = b1;
  Shown* all = show(mine);
  unsigned lane = threadIdx.x % 32;
  for (int e = 0; e < 4; ++e) {
    int row = lane / 4, high = e / 2, column = 2 * (lane % 4) + e % 2;
    for (int k = 0; k < 16; ++k) {
      int q = k % 8 / 2;
      c[e] += half_of(all[4 * row + q].a[high + 2 * (k / 8)], k % 2) * half_of(all[4 * column + q].b[k / 8], k % 2);
    }
  }
}

DEVICE void store_16_bytes(void* to, const u32 (&x)[4]) {
  if ((uintptr_t)to % 16) breaks("a store of 16 bytes starts at a multiple of 16");
  memcpy(to, x, 16);
}
DEVICE void stores_visible() {}
DEVICE void wgmma_begin() {}
DEVICE void wgmma_commit() {}
DEVICE u64 matrix(const void* p) {
  return (u64)(((const unsigned char*)p - memory) >> 4) | (u64)1 << 16 | (u64)(1024 >> 4) << 32 | (u64)1 << 62;
}
DEVICE void wgmma_tile(float (&c)[32], u64 a, u64 b) { threads[threadIdx.x].products.push_back({c, 64, nullptr, a, b}); }
DEVICE void wgmma_labels(float (&c)[64], const u32 (&a)[4], u64 b) {
  threads[threadIdx.x].products.push_back({c, 128, a, 0, b});
}

// Element k of a row of a matrix of 128-byte rows whose 16-byte units are swizzled by the address.
static float element(u64 matrix, int row, int k) {
  u32 group = (u32)(matrix >> 32 & 0x3FFF) << 4, at = (u32)(matrix & 0x3FFF) << 4;
  at += row / 8 * group + row % 8 * 128 + 2 * k;
  at ^= (at >> 7 & 7) << 4;
  u16 bits;
  memcpy(&bits, memory + at, 2);
  return from_half(bits);
}

DEVICE void after_wgmma(u32 (&)[4]) {}
template <int N>
DEVICE void wgmma_wait(float (&)[N]) {
  unsigned me = threadIdx.x, group = me / 128, lane = me % 32;
  meet(group_meetings[group]);
  for (size_t n = 0; n < threads[me].products.size(); ++n) {
    Product& p = threads[me].products[n];
    for (int e = 0; e < p.columns / 2; ++e) {
      int high = e % 4 / 2, column = e / 4 * 8 + 2 * (lane % 4) + e % 2;
      for (int k = 0; k < 16; ++k) {
        int row = me % 128 / 32 * 16 + lane / 4 + 8 * high;
        const u32* a = p.a ? threads[me - lane + lane / 4 * 4 + k % 8 / 2].products[n].a : nullptr;
        float x = p.a ? half_of(a[high + 2 * (k / 8)], k % 2) : element(p.a_matrix, row, k);
        p.c[e] += x * element(p.b_matrix, column, k);
      }
    }
  }
  meet(group_meetings[group]);
  threads[me].products.clear();
}

template <class... P, size_t... I>
static void call(void (*kernel)(P...), void** args, std::index_sequence<I...>) {
  kernel(*(P*)args[I]...);
}

template <class... P>
static void enter(void (*kernel)(P...), void** args) {
  call(kernel, args, std::index_sequence_for<P...>());
  threads[threadIdx.x].done = true;
  progress = true;
  _longjmp(scheduler, 1);
}

template <class... P>
struct Entry {
  static inline void (*kernel)(P...);
  static inline void** args;
  static void begin() { enter(kernel, args); }
};

template <class... P>
static void run_block(unsigned count, unsigned shared, bool falling) {
  block_meeting = {count, 0, 0};
  for (unsigned w = 0; w < 32; ++w) warp_meetings[w] = {32, 0, 0};
  for (unsigned g = 0; g < 8; ++g) group_meetings[g] = {128, 0, 0};
  memset(memory, 0xFF, shared + 64);
  for (unsigned t = 0; t < count; ++t) threads[t].begun = threads[t].done = false;
  static unsigned step;
  do {
    progress = false;
    for (step = 0; step < count; ++step) {
      unsigned t = falling ? count - 1 - step : step;
      if (threads[t].done) continue;
      threadIdx.x = t;
      if (_setjmp(scheduler)) continue;
      if (threads[t].begun) _longjmp(threads[t].here, 1);
      threads[t].begun = true;
      getcontext(&threads[t].start);
      threads[t].start.uc_stack.ss_sp = threads[t].stack.data();
      threads[t].start.uc_stack.ss_size = threads[t].stack.size();
      makecontext(&threads[t].start, Entry<P...>::begin, 0);
      setcontext(&threads[t].start);
    }
  } while (progress);
  for (unsigned t = 0; t < count; ++t) {
    if (!threads[t].done) breaks("every thread of a block comes to a barrier");
    if (!threads[t].copies.empty() || !threads[t].products.empty()) breaks("what is begun is waited for");
    threads[t].copies.clear();
    threads[t].products.clear();
  }
  for (int i = 0; i < 64; ++i) {
    if (memory[shared + i] != 0xFF) breaks("a block keeps to the shared memory it asked for");
  }
}

// Runs a kernel; what rule it broke, or nullptr. The shape: width and height of the grid, threads of a block, bytes of
// shared memory, whether the last thread goes first, whether threads meet.
template <class... P>
static const char* run(void (*kernel)(P...), const unsigned* shape, void** args) {
  alone = !shape[5];
  gridDim = {shape[0], shape[1]};
  blockDim = {shape[2], 1};
  if (threads.size() < shape[2]) {
    threads.resize(shape[2]);
    for (Thread& t : threads) t.stack.resize(32 << 10);
  }
  Entry<P...>::kernel = kernel;
  Entry<P...>::args = args;
  broken = nullptr;
  for (blockIdx.y = 0; blockIdx.y < gridDim.y; ++blockIdx.y) {
    for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x) {
      if (!alone) run_block<P...>(shape[2], shape[3], shape[4]);
      for (threadIdx.x = 0; alone && threadIdx.x < shape[2]; ++threadIdx.x) {
        call(kernel, args, std::index_sequence_for<P...>());
      }
    }
  }
  return broken;
}

#define RUNS(kernel) \
  extern "C" const char* run_##kernel(const unsigned* shape, void** args) { return run(kernel, shape, args); }
