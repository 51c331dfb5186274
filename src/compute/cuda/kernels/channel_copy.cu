// Copies channels: channel c of the result is channel SOURCE[c] of the input, or zero where that is negative.
KERNEL run(const float* __restrict__ x, float* __restrict__ y) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= PIXELS * C4) return;
  int c = i % C4, pixel = i / C4;
  int source = c < C ? SOURCE[c] : -1;
  float v = source >= 0 ? x[(size_t)pixel * XP + source] : 0.f;
  float* at = y + (size_t)pixel * YP + c;
  *at = ADD ? *at + v : v;
}
