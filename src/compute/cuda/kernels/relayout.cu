// Copies between [n][c][h][w], the order of the program's callers, and maps with channels last, [n][h][w][PITCH].
KERNEL run(const float* __restrict__ from, float* __restrict__ to) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= N * C4 * AREA) return;
  int c = i % C4, pixel = i / C4 % AREA, n = i / C4 / AREA;
  size_t planar = ((size_t)n * C + c) * AREA + pixel, last = ((size_t)n * AREA + pixel) * PITCH + c;
  if (TO_PLANAR) {
    if (c < C) to[planar] = from[last];
  } else {
    float v = c < C ? from[planar] : 0.f;
    to[last] = ADD ? to[last] + v : v;
  }
}
