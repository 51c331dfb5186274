// Two sums of each channel over the pixels of a run, one run a block: [block][SUMMED][2]. `terms` says what is added.
constexpr int WARPS = THREADS / 32;

KERNEL run(const float* __restrict__ x, const float* __restrict__ g, const float* __restrict__ norm,
           float* __restrict__ part) {
  SHARED(raw);
  float* sums = (float*)raw;  // [2][WARPS][32]
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, c = blockIdx.y * 32 + lane;
  const int first = blockIdx.x * RUN, last = first + RUN < ALL_PIXELS ? first + RUN : ALL_PIXELS;
  float s0 = 0.f, s1 = 0.f;
  if (c < SUMMED) {
    Channel channel = of_channel(norm, c);
    for (int m = first + warp; m < last; m += WARPS) {
      float t0, t1;
      terms(channel, norm, m, c, READS_X ? x[(size_t)m * XP + c] : 0.f, g[(size_t)m * GP + c], t0, t1);
      s0 += t0;
      s1 += t1;
    }
  }
  sums[warp * 32 + lane] = s0;
  sums[(WARPS + warp) * 32 + lane] = s1;
  BARRIER();
  if (warp < 2 && c < SUMMED) {
    float s = 0.f;
    for (int i = 0; i < WARPS; i++) s += sums[(warp * WARPS + i) * 32 + lane];
    part[((size_t)blockIdx.x * SUMMED + c) * 2 + warp] = s;
  }
}
