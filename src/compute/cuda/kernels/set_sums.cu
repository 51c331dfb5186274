// Two numbers of each set, from sums of `term` over its numbers; TEAM threads share a set.
KERNEL run(const float* __restrict__ x, const float* __restrict__ g, const float* __restrict__ weight,
           const float* __restrict__ statistics, float* __restrict__ to) {
  SHARED(raw);
  double* sums = (double*)raw;  // [THREADS]
  const int t = threadIdx.x % TEAM, s = blockIdx.x * (THREADS / TEAM) + threadIdx.x / TEAM;
  const bool there = s < SETS;
  const int pixel0 = there ? s / GROUPS * SET_PIXELS : 0, c0 = there ? s % GROUPS * SET_CHANNELS : 0;
  double total[2] = {0, 0};
  for (int pass = 0; pass < 2; pass++) {
    double sum = 0;
    if (there)
      for (int i = t; i < SET_PIXELS * SET_CHANNELS; i += TEAM) {
        int m = pixel0 + i / SET_CHANNELS, c = c0 + i % SET_CHANNELS;
        float grad = GRADIENT ? g[(size_t)m * GP + c] * factor_of(weight, c) : 0.f;
        sum += term(pass, x[(size_t)m * XP + c], grad, GRADIENT ? statistics[2 * s] : total[0]);
      }
    if (TEAM > 1) {
      BARRIER();
      sums[threadIdx.x] = sum;
      for (int half = TEAM / 2; half > 0; half /= 2) {
        BARRIER();
        if (t < half) sums[threadIdx.x] += sums[threadIdx.x + half];
      }
      BARRIER();
      sum = sums[threadIdx.x - t];
    }
    total[pass] = sum / ((double)SET_PIXELS * SET_CHANNELS);
  }
  if (there && t == 0) {
    to[2 * s] = (float)total[0];
    to[2 * s + 1] = GRADIENT ? (float)total[1] : (float)(1.0 / sqrt(total[1] + EPSILON));
  }
}
