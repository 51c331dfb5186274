// Adds the partial sums [SPLITS][A][TAPS][C4] of a weight gradient in a fixed order, as [A][B][TAPS].
KERNEL run(const float* __restrict__ part, float* __restrict__ to) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= A * B * TAPS) return;
  int tap = i % TAPS, b = i / TAPS % B, a = i / TAPS / B;
  double sum = 0;
  for (int split = 0; split < SPLITS; split++) sum += part[(((size_t)split * A + a) * TAPS + tap) * C4 + b];
  to[i] = (float)sum;
}
