// Single instructions by name, for the kernels that follow. The tests replace this file by plain C++ of the same
// meaning and run the kernels on the CPU, so no other file may hold assembly.
//
// Source: NVIDIA, "PTX ISA", chapters on mma, ldmatrix, cp.async and wgmma. Needs no header.

typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define KERNEL extern "C" __global__ void
#define DEVICE __device__ __forceinline__

// The block's dynamic shared memory, as wgmma's swizzle wants it aligned.
DEVICE unsigned char* dynamic_shared() {
  extern __shared__ __align__(1024) unsigned char memory[];
  return memory;
}

DEVICE u32 shared_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

// float32 to 16 bits and back; two at once, the first in the low half.
DEVICE u16 to_half(float x) {
  u16 h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(x));
  return h;
}
DEVICE float from_half(u16 h) {
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(h));
  return x;
}
DEVICE u32 two_halves(float low, float high) {
  u32 h;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(h) : "f"(high), "f"(low));
  return h;
}

// 2^x and the square root, within 2 units of the last place.
DEVICE float power_of_two(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
DEVICE float root(float x) {
  float y;
  asm("sqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

DEVICE float from_lane(float x, int flipped) { return __shfl_xor_sync(0xFFFFFFFFu, x, flipped); }

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
// 16 bytes from global to shared memory without passing a register; wait until all that this thread asked for is there.
DEVICE void copy_16_bytes(void* shared, const void* global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(shared)), "l"(global) : "memory");
}
DEVICE void copies_done() {
  asm volatile("cp.async.wait_all;" ::: "memory");
}

// Four 8 x 8 matrices of 16-bit numbers. Lane 8 m + r names the address of row r of matrix m; lane l gets of each the
// numbers 2 (l % 4) and the next of row l / 4.
DEVICE void load_matrices(u32 (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}

// c += a b, a 16 x 16, b 16 x 8. With g = lane / 4 and q = lane % 4: c holds (g, 2q), (g, 2q + 1), (g + 8, 2q),
// (g + 8, 2q + 1); a the pairs from (g, 2q), (g + 8, 2q), (g, 2q + 8), (g + 8, 2q + 8); b those from (2q, g) and
// (2q + 8, g) downwards.
DEVICE void multiply(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
#endif

#if defined(WGMMA)
DEVICE void store_16_bytes(void* shared, const u32 (&x)[4]) {
  asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(shared_address(shared)), "r"(x[0]), "r"(x[1]),
               "r"(x[2]), "r"(x[3])
               : "memory");
}

// What ordinary stores wrote to shared memory becomes visible to wgmma; a barrier must follow.
DEVICE void stores_visible() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
DEVICE void wgmma_begin() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
DEVICE void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
// Waits for all that was committed. The compiler takes c for ready as soon as a product is issued, so it is told that c
// changes here; `after_wgmma` says the same of registers that a product may still read.
template <int N>
DEVICE void wgmma_wait(float (&c)[N]) {
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
#pragma unroll
  for (int i = 0; i < N; ++i) asm volatile("" : "+f"(c[i])::"memory");
}
DEVICE void after_wgmma(u32 (&a)[4]) {
  asm volatile("" : "+r"(a[0]), "+r"(a[1]), "+r"(a[2]), "+r"(a[3])::"memory");
}

// Names a matrix in shared memory whose rows are 128 bytes, swizzled: 16-byte unit u of row r lies at u ^ (r % 8).
// Groups of 8 rows follow each other, 1024 bytes apart.
DEVICE u64 matrix(const void* p) {
  return (u64)((shared_address(p) & 0x3FFFF) >> 4) | (u64)1 << 16 | (u64)(1024 >> 4) << 32 | (u64)1 << 62;
}

#define FOUR(c, i) "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3])
#define SIXTEEN(c, i) FOUR(c, i), FOUR(c, i + 4), FOUR(c, i + 8), FOUR(c, i + 12)

// c += a b', a 64 x 16 and b 64 x 16 in shared memory. Warp w of the four holds rows 16 w ... of c, in each block of 8
// columns as `multiply` does.
DEVICE void wgmma_tile(float (&c)[32], u64 a, u64 b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, %32, %33, 1, 1, 1, 0, 0;"
      : SIXTEEN(c, 0), SIXTEEN(c, 16)
      : "l"(a), "l"(b));
}

// c += a b', a 64 x 16 in registers, as `multiply` holds it, b 128 x 16 in shared memory.
DEVICE void wgmma_labels(float (&c)[64], const u32 (&a)[4], u64 b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "{%64, %65, %66, %67}, %68, 1, 1, 1, 0;"
      : SIXTEEN(c, 0), SIXTEEN(c, 16), SIXTEEN(c, 32), SIXTEEN(c, 48)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
#endif
