// Orders weights [C][TAPS_ALL] as [TAPS][C4] in the region's order.
KERNEL run(const float* __restrict__ w, const float* __restrict__ factors, float* __restrict__ to) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= TAPS * C4) return;
  int c = i % C4, tap = i / C4;
  float v = c < C ? w[c * TAPS_ALL + TAP_WEIGHT[tap]] : 0.f;
  to[i] = FACTORS && c < C ? v * factors[c] : v;
}
