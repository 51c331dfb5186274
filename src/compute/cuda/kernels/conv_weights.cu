// Orders a layer's weights [A][B][TAPS_ALL] for a region: [ROWS][TAPS][C4], with zeros between C and C4. `factors` has
// one factor per row.
KERNEL run(const float* __restrict__ w, const float* __restrict__ factors, float* __restrict__ to) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= ROWS * TAPS * C4) return;
  int c = i % C4, tap = i / C4 % TAPS, row = i / C4 / TAPS;
  float v = c < C ? w[(size_t)row * ROW_STRIDE + (size_t)c * CHANNEL_STRIDE + TAP_WEIGHT[tap]] : 0.f;
  to[i] = FACTORS ? v * factors[row] : v;
}
