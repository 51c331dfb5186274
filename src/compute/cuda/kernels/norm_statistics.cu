// Merges the statistics of blocks (Chan, Golub and LeVeque 1979) in a fixed order, one channel a block, and makes the
// norm's numbers of each channel: NORM_NUMBERS of them, see `norm.cu`. `batch` is mean and biased variance. In a training
// step, the running statistics `pending` move towards these, at a step's first batch from those after the last step.
KERNEL run(const float* __restrict__ statistics, const float* __restrict__ weight, const float* __restrict__ bias,
           float* __restrict__ norm, float* __restrict__ batch, const float* __restrict__ scalars,
           const float* __restrict__ running, float* __restrict__ pending) {
  SHARED(raw);
  double* counts = (double*)raw;  // [THREADS] each
  double* means = counts + THREADS;
  double* squares = means + THREADS;
  const int c = blockIdx.x, t = threadIdx.x;
  double count = 0, mean = 0, square = 0;
  for (int b = t; b < BLOCKS; b += THREADS) {
    double more = b == BLOCKS - 1 ? PIXELS - (BLOCKS - 1) * BLOCK_PIXELS : BLOCK_PIXELS;
    double away = statistics[((size_t)b * C4 + c) * 2] - mean, all = count + more;
    square += statistics[((size_t)b * C4 + c) * 2 + 1] + away * away * count * more / all;
    mean += away * more / all;
    count = all;
  }
  counts[t] = count; means[t] = mean; squares[t] = square;
  for (int half = THREADS / 2; half > 0; half /= 2) {
    BARRIER();
    if (t < half && counts[t + half] > 0) {
      double more = counts[t + half], away = means[t + half] - means[t], all = counts[t] + more;
      squares[t] += squares[t + half] + away * away * counts[t] * more / all;
      means[t] += away * more / all;
      counts[t] = all;
    }
  }
  if (t == 0) {
    double variance = squares[0] / PIXELS;
    store_norm(norm, c, (float)means[0], (float)(1.0 / sqrt(variance + EPSILON)), weight[c], bias[c]);
    batch[c] = (float)means[0];
    batch[C + c] = (float)variance;
    if (RUNNING) {
      const float* from = scalars[AT_FIRST_BATCH] != 0.f ? running : pending;
      auto move = [&](int at, float found, double share) {
        pending[at] = __fadd_rn(__fmul_rn(from[at], (float)KEEP), __fmul_rn(found, (float)share));
      };
      move(c, (float)means[0], OF_MEAN);
      move(TO_VARIANCE + c, (float)variance, OF_VARIANCE);
    }
  }
}
