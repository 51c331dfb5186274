KERNEL run(const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
           const float* __restrict__ statistics, float* __restrict__ y) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= PIXELS * C4) return;
  int c = i % C4, m = i / C4, s = set_of(m, c);
  float v = (x[(size_t)m * XP + c] - statistics[2 * s]) * statistics[2 * s + 1];
  y[(size_t)m * YP + c] = c < C ? (AFFINE ? v * weight[c] + bias[c] : v) : 0.f;
}
