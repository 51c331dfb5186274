// Zeroes numbers at random and scales the others. A hash of the seed and of the number's place in the order
// [n][c][h][w] decides, the same as on the processor, so that the gradient needs no mask. `seed` holds the halves of 64 bits.
FUNCTION u64 splitmix(u64 z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
FUNCTION u32 murmur(u32 z) {
  z = (z ^ (z >> 16)) * 0x85ebca6bu;
  z = (z ^ (z >> 13)) * 0xc2b2ae35u;
  return z ^ (z >> 16);
}

KERNEL run(const float* __restrict__ from, const float* __restrict__ seed, float* __restrict__ to) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= N * H * W * C4) return;
  int c = i % C4, pixel = i / C4, v = pixel % W, h = pixel / W % H, n = pixel / W / H;
  float r = 0.f;
  if (c < C) {
    u64 all = ((u64)__float_as_uint(seed[1]) << 32 | __float_as_uint(seed[0])) ^ (u64)STEP * 0x9e3779b97f4a7c15ull;
    u64 row = ((u64)n * C + c) * H + h, key = splitmix(all + row * 0x9e3779b97f4a7c15ull);
    bool stays = (murmur((u32)key + (u32)v * 0x9e3779b9u) ^ (u32)(key >> 32)) >= (u32)BELOW;
    r = stays ? from[(size_t)pixel * FP + c] * (float)SCALE : 0.f;
  }
  float* at = to + (size_t)pixel * TP + c;
  *at = ADD ? *at + r : r;
}
