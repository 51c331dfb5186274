// Mean and sum of squared deviations of each channel over the pixels of a run, one run a block: [block][C4][2].
constexpr int WARPS = THREADS / 32;

KERNEL run(const float* __restrict__ x, float* __restrict__ statistics) {
  SHARED(raw);
  float* sums = (float*)raw;  // [WARPS][32]
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, c = blockIdx.y * 32 + lane;
  const int first = blockIdx.x * RUN, last = first + RUN < PIXELS ? first + RUN : PIXELS;
  float mean = 0.f;
  for (int pass = 0; pass < 2; pass++) {
    float sum = 0.f;
    if (c < C4)
      for (int m = first + warp; m < last; m += WARPS) {
        float v = x[(size_t)m * XP + c] - mean;
        sum += pass == 0 ? v : v * v;
      }
    sums[warp * 32 + lane] = sum;
    BARRIER();
    float all = 0.f;
    for (int i = 0; i < WARPS; i++) all += sums[i * 32 + lane];
    BARRIER();
    if (pass == 0) mean = all / (last - first);
    if (warp == 0 && c < C4) statistics[((size_t)blockIdx.x * C4 + c) * 2 + pass] = pass == 0 ? mean : all;
  }
}
