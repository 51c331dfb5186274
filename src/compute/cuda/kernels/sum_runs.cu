// Adds the two sums of all runs, [RUNS][C4][2], in a fixed order, one channel a block, and passes them on.
KERNEL run(const float* __restrict__ part, const float* __restrict__ norm, float* __restrict__ first,
           float* __restrict__ second, float* __restrict__ coefficients) {
  SHARED(raw);
  double* sums = (double*)raw;  // [2][THREADS]
  const int c = blockIdx.x, t = threadIdx.x;
  double s0 = 0, s1 = 0;
  for (int r = t; r < RUNS; r += THREADS) {
    s0 += part[((size_t)r * C4 + c) * 2];
    s1 += part[((size_t)r * C4 + c) * 2 + 1];
  }
  sums[t] = s0; sums[THREADS + t] = s1;
  for (int half = THREADS / 2; half > 0; half /= 2) {
    BARRIER();
    if (t < half) { sums[t] += sums[t + half]; sums[THREADS + t] += sums[THREADS + t + half]; }
  }
  if (t == 0) finish(norm, c, sums[0], sums[THREADS], first, second, coefficients);
}
