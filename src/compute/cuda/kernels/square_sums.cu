// The sum of squares of a run of numbers, one run a block, in 64 bits.
KERNEL run(const float* __restrict__ x, float* __restrict__ part) {
  SHARED(raw);
  double* sums = (double*)raw;  // [THREADS]
  const int t = threadIdx.x, first = blockIdx.x * RUN, last = first + RUN < LEN ? first + RUN : LEN;
  double sum = 0;
  for (int i = first + t * 4; i < last; i += THREADS * 4) {
    float v[4];
    load4(v, x + i);
#pragma unroll
    for (int e = 0; e < 4; e++) sum += (double)v[e] * v[e];
  }
  sums[t] = sum;
  for (int half = THREADS / 2; half > 0; half /= 2) {
    BARRIER();
    if (t < half) sums[t] += sums[t + half];
  }
  if (t == 0) ((double*)part)[blockIdx.x] = sums[0];
}
