// y * (g - sum of g * y)
KERNEL run(const float* __restrict__ y, const float* __restrict__ g, float* __restrict__ to) {
  int m = blockIdx.x * THREADS + threadIdx.x;
  if (m >= PIXELS) return;
  const float *ys = y + (size_t)m * YP, *gs = g + (size_t)m * GP;
  float* into = to + (size_t)m * TP;
  float sum = 0.f;
  for (int c = 0; c < C; c++) sum += ys[c] * gs[c];
  for (int c = 0; c < C4; c++) {
    float v = c < C ? ys[c] * (gs[c] - sum) : 0.f;
    into[c] = ADD ? into[c] + v : v;
  }
}
