// Runs CUDA C++ kernels on the processor, for tests: a fiber for each thread of a block, in random order. Warp
// instructions are meetings of 32 fibers. An asynchronous copy happens only when it is waited for. Every buffer ends at a
// page that nothing may touch, and memory is NaN before it is written. So a missing barrier, a missing wait, a read past
// the end and a read of what was never written show as an abort or as NaN.
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>
typedef uint32_t u32;
typedef unsigned long long u64;
#define FUNCTION static inline
#define TABLE static const
#define KERNEL static void
#define SHARED(name) unsigned char* name = emulator::shared
#define BARRIER() emulator::meet_block()
#define __restrict__
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) uint4 { u32 x, y, z, w; };
static inline uint4 make_uint4(u32 x, u32 y, u32 z, u32 w) { return {x, y, z, w}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline float2 make_float2(float x, float y) { return {x, y}; }
struct Position { unsigned x, y, z; };

namespace emulator {
struct Copy { void* to; const void* from; bool there; };
struct Fiber {
  jmp_buf at;
  bool started = false, done = false;
  std::vector<std::vector<Copy>> groups;
  std::vector<Copy> open;
};
struct Warp { int waiting = 0; unsigned meetings = 0; u32 in[32][8]; const void* rows[32]; float values[32]; };
inline std::vector<Fiber> fibers;
inline std::vector<Warp> warps;
inline std::vector<std::vector<char>> stacks;
inline jmp_buf scheduler;
inline ucontext_t birth, home;
inline int current, in_barrier, threads;
inline unsigned barriers, seed;
inline bool may_wait;
inline Position thread_index, block_index;
inline unsigned char* shared;
inline std::function<void()> body;

inline void fail(const char* what) { fprintf(stderr, "emulator: %s in block %u, %u, thread %u\n", what, block_index.x, block_index.y, thread_index.x); abort(); }
inline void yield() { if (!_setjmp(fibers[current].at)) _longjmp(scheduler, 1); }
inline void meet_warp() {
  if (!may_wait) fail("a warp instruction in a kernel that declares no barriers");
  Warp& warp = warps[current / 32];
  unsigned meeting = warp.meetings;
  if (++warp.waiting == 32) { warp.waiting = 0; warp.meetings++; } else while (warp.meetings == meeting) yield();
}
inline void meet_block() {
  if (!may_wait) fail("a barrier in a kernel that declares none");
  unsigned barrier = barriers;
  if (++in_barrier == threads) { in_barrier = 0; barriers++; } else while (barriers == barrier) yield();
}
inline void life() { body(); fibers[current].done = true; _longjmp(scheduler, 1); }
inline unsigned random_number() { seed = seed * 1664525u + 1013904223u; return seed >> 8; }

// Memory that ends at a page which nothing may touch.
inline void* guarded(size_t bytes) {
  size_t page = 4096, length = (bytes + page - 1) / page * page;
  unsigned char* p = (unsigned char*)mmap(0, length + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) { perror("mmap"); exit(3); }
  mprotect(p, page, PROT_NONE);
  mprotect(p + page + length, page, PROT_NONE);
  memset(p + page, 0xff, length);
  return p + page + (length - bytes) / 16 * 16;
}
inline void release(void* p, size_t bytes) {
  size_t page = 4096, length = (bytes + page - 1) / page * page;
  munmap((unsigned char*)((uintptr_t)p / page * page) - page, length + 2 * page);
}

inline void run_block() {
  fibers.assign(threads, Fiber());
  warps.assign((threads + 31) / 32, Warp());
  in_barrier = 0;
  std::vector<int> order(threads);
  for (int t = 0; t < threads; t++) order[t] = t;
  volatile int left = threads;
  while (left) {
    for (int i = threads - 1; i > 0; i--) std::swap(order[i], order[random_number() % (i + 1)]);
    for (volatile int i = 0; i < threads; i = i + 1) {
      int t = order[i];
      if (fibers[t].done) continue;
      current = t;
      thread_index = {(unsigned)t, 0, 0};
      if (!_setjmp(scheduler)) {
        if (fibers[t].started) _longjmp(fibers[t].at, 1);
        fibers[t].started = true;
        getcontext(&birth);
        birth.uc_stack.ss_sp = stacks[t].data();
        birth.uc_stack.ss_size = stacks[t].size();
        birth.uc_link = &home;
        makecontext(&birth, life, 0);
        setcontext(&birth);
      }
      if (fibers[current].done) left = left - 1;
    }
  }
}

// `waits` says whether threads of a block wait for each other; if not, they run one after the other.
inline void launch(Position grid, int count, size_t shared_bytes, bool waits, std::function<void()> kernel, unsigned start) {
  threads = count;
  may_wait = waits;
  body = kernel;
  seed = start;
  while ((int)stacks.size() < threads) stacks.emplace_back(256 << 10);
  void* memory = guarded(shared_bytes + 16);
  shared = (unsigned char*)memory + ((shared_bytes + 16) - (shared_bytes + 15) / 16 * 16);
  shared = (unsigned char*)((uintptr_t)shared / 16 * 16);
  for (unsigned y = 0; y < grid.y; y++)
    for (unsigned x = 0; x < grid.x; x++) {
      block_index = {x, y, 0};
      if (waits) {
        memset(shared, 0xff, shared_bytes);
        run_block();
      } else
        for (int t = 0; t < threads; t++) {
          current = t;
          thread_index = {(unsigned)t, 0, 0};
          body();
        }
    }
  release(memory, shared_bytes + 16);
}

// The buffers of a program, by their numbers: each in guarded memory of its own, or all in one block at their offsets.
struct Memory {
  std::vector<float*> at;
  std::vector<size_t> len;
  Memory(std::vector<size_t> lens, std::vector<size_t> offsets, size_t arena) : len(lens) {
    unsigned char* block = arena ? (unsigned char*)guarded(arena) : nullptr;
    for (size_t i = 0; i < lens.size(); i++) at.push_back(arena ? (float*)(block + offsets[i]) : (float*)guarded(lens[i] * 4));
  }
  // Lets a buffer be a part of another one.
  void part(size_t id, size_t outer, size_t offset) { at[id] = at[outer] + offset; }
  void clear(size_t id) { memset(at[id], 0, len[id] * 4); }
  void read(const char* path) {
    FILE* file = fopen(path, "rb");
    uint64_t head[2];
    while (file && fread(head, 8, 2, file) == 2) {
      if (head[1] != len[head[0]]) { fprintf(stderr, "buffer %llu has another size\n", (u64)head[0]); exit(3); }
      if (fread(at[head[0]], 4, head[1], file) != head[1]) exit(3);
    }
    if (!file) exit(3);
    fclose(file);
  }
  // `ids` are separated by commas.
  void write(const char* path, const char* ids) {
    FILE* file = fopen(path, "wb");
    while (*ids) {
      size_t id = strtoull(ids, (char**)&ids, 10);
      if (*ids) ids++;
      uint64_t head[2] = {id, len[id]};
      fwrite(head, 8, 2, file);
      fwrite(at[id], 4, len[id], file);
    }
    fclose(file);
  }
};

// What the host does: `give FILE` writes buffers, `run FIRST END` launches, `take FILE IDS` reads buffers.
inline void act(Memory& m, const std::vector<std::function<void()>>& launches, char** next, char** end) {
  while (next < end) {
    std::string what = *next++;
    if (what == "give") m.read(*next++);
    if (what == "run") {
      for (int i = atoi(next[0]); i < atoi(next[1]); i++) launches[i]();
      next += 2;
    }
    if (what == "take") {
      m.write(next[0], next[1]);
      next += 2;
    }
  }
}
}  // namespace emulator

#define threadIdx emulator::thread_index
#define blockIdx emulator::block_index
static inline float __uint_as_float(u32 a) { float f; memcpy(&f, &a, 4); return f; }
static inline u32 __float_as_uint(float f) { u32 a; memcpy(&a, &f, 4); return a; }
// Each rounds once: the tests compile without contraction to fused operations.
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __fsqrt_rn(float a) { return sqrtf(a); }
static inline void copy16(void* to, const void* from, bool there) {
  if (there) { volatile char last = ((const char*)from)[15]; (void)last; }
  if (((uintptr_t)to | (there ? (uintptr_t)from : 0)) & 15) emulator::fail("a misaligned copy");
  emulator::fibers[emulator::current].open.push_back({to, from, there});
}
static inline void close_copies() {
  auto& fiber = emulator::fibers[emulator::current];
  fiber.groups.push_back(fiber.open);
  fiber.open.clear();
}
template <int OPEN> static inline void wait_copies() {
  auto& fiber = emulator::fibers[emulator::current];
  while ((int)fiber.groups.size() > OPEN) {
    for (auto& copy : fiber.groups[0]) if (copy.there) memcpy(copy.to, copy.from, 16); else memset(copy.to, 0, 16);
    fiber.groups.erase(fiber.groups.begin());
  }
}
static inline void load_matrices(u32* r, const void* row) {
  auto& warp = emulator::warps[emulator::current / 32];
  int lane = emulator::current % 32;
  if ((uintptr_t)row & 15) emulator::fail("a misaligned matrix load");
  warp.rows[lane] = row;
  emulator::meet_warp();
  for (int i = 0; i < 4; i++) memcpy(r + i, (const char*)warp.rows[i * 8 + lane / 4] + (lane % 4) * 4, 4);
  emulator::meet_warp();
}
static inline u32 to_tf32(u32 a) { return (a & 0x7f800000u) == 0x7f800000u ? a : (a + 0x1000u) & 0xffffe000u; }
static inline void multiply(float* d, const u32* a, const u32* b) {
  auto& warp = emulator::warps[emulator::current / 32];
  int lane = emulator::current % 32, g = lane / 4, t = lane % 4;
  memcpy(warp.in[lane], a, 16);
  memcpy(warp.in[lane] + 4, b, 8);
  emulator::meet_warp();
  for (int h = 0; h < 2; h++)
    for (int e = 0; e < 2; e++) {
      double sum = d[h * 2 + e];
      for (int k = 0; k < 8; k++) {
        u32 x = warp.in[g * 4 + k % 4][k / 4 * 2 + h], y = warp.in[(t * 2 + e) * 4 + k % 4][4 + k / 4];
        if ((x | y) & 0x1fffu) emulator::fail("a factor that is not TF32");
        sum += (double)__uint_as_float(x) * __uint_as_float(y);
      }
      d[h * 2 + e] = (float)sum;
    }
  emulator::meet_warp();
}
static inline float from_lane(float v, int mask) {
  auto& warp = emulator::warps[emulator::current / 32];
  int lane = emulator::current % 32;
  warp.values[lane] = v;
  emulator::meet_warp();
  float r = warp.values[lane ^ mask];
  emulator::meet_warp();
  return r;
}
