// What every kernel stands on: names for the instructions that C++ has no words for. The emulator of the tests defines
// the same names for a processor.
typedef unsigned int u32;
typedef unsigned long long u64;
#define FUNCTION __device__ __forceinline__
#define TABLE static __device__ const
#define KERNEL extern "C" __global__ void __launch_bounds__(THREADS, 1)
#define SHARED(name) extern __shared__ __align__(128) unsigned char name[]
#define BARRIER() __syncthreads()

FUNCTION u32 shared_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

// Starts a copy of 16 bytes into shared memory; writes zeros instead if `there` is false.
FUNCTION void copy16(void* to, const void* from, bool there) {
  int bytes = there ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(bytes) : "memory");
}
FUNCTION void close_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most `OPEN` groups of copies of this thread are unfinished.
template <int OPEN> FUNCTION void wait_copies() { asm volatile("cp.async.wait_group %0;" ::"n"(OPEN) : "memory"); }

// Loads four 8x4 matrices of 32-bit numbers; lane `i` names a row of 16 bytes of matrix `i / 8`.
FUNCTION void load_matrices(u32* r, const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
}
// Rounds to TF32: 10 bits of mantissa, halves away from zero.
FUNCTION u32 to_tf32(u32 a) {
  u32 r;
  asm("cvt.rna.tf32.f32 %0,%1;" : "=r"(r) : "f"(__uint_as_float(a)));
  return r;
}
// d += a * b: 16 rows, 8 columns, 8 products each. Fragments as in the PTX manual, "mma.m16n8k8".
FUNCTION void multiply(float* d, const u32* a, const u32* b) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
FUNCTION float from_lane(float v, int mask) { return __shfl_xor_sync(0xffffffffu, v, mask); }
