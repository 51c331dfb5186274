// Gives the gradient of the maximum to the first channel that attains it; of several NaNs to the last.
KERNEL run(const float* __restrict__ x, const float* __restrict__ g, float* __restrict__ to) {
  int m = blockIdx.x * THREADS + threadIdx.x;
  if (m >= PIXELS) return;
  const float* at = x + (size_t)m * XP;
  int best = 0;
  for (int c = 1; c < C; c++)
    if (at[c] > at[best] || at[c] != at[c]) best = c;
  float* into = to + (size_t)m * TP;
  for (int c = 0; c < C4; c++) {
    float v = c == best ? g[(size_t)m * GP] : 0.f;
    into[c] = ADD ? into[c] + v : v;
  }
}
