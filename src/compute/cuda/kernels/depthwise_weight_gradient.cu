// Sums of products of the smaller map and a tap of the larger one over the pixels of a run: [run][TAPS][C4].
constexpr int WARPS = THREADS / 32;

KERNEL run(const float* __restrict__ small, const float* __restrict__ large, float* __restrict__ part) {
  SHARED(raw);
  float* sums = (float*)raw;  // [WARPS][32]
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, tap = blockIdx.y % TAPS, c = blockIdx.y / TAPS * 32 + lane;
  const int first = blockIdx.x * RUN, last = first + RUN < N * P * Q ? first + RUN : N * P * Q;
  float sum = 0.f;
  if (c < C4)
    for (int m = first + warp; m < last; m += WARPS) {
      int q = m % Q, p = m / Q % P, n = m / Q / P, h = p * STRIDE_Y + TAP_Y[tap], v = q * STRIDE_X + TAP_X[tap];
      if ((unsigned)h < (unsigned)H && (unsigned)v < (unsigned)W)
        sum += small[(size_t)m * SP + c] * large[(((size_t)n * H + h) * W + v) * XP + c];
    }
  sums[warp * 32 + lane] = sum;
  BARRIER();
  if (warp == 0 && c < C4) {
    float all = 0.f;
    for (int i = 0; i < WARPS; i++) all += sums[i * 32 + lane];
    part[((size_t)blockIdx.x * TAPS + tap) * C4 + c] = all;
  }
}
