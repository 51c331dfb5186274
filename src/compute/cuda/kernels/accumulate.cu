// Adds the gradients of a batch, times its share, to those of the step.
KERNEL run(const float* __restrict__ gradients, const float* __restrict__ scalars, float* __restrict__ sums) {
  const int i = (blockIdx.x * THREADS + threadIdx.x) * 4;
  if (i >= LEN) return;
  const float share = scalars[AT_SHARE];
  const bool first = scalars[AT_FIRST_BATCH] != 0.f;
  float g[4], sum[4];
  load4(g, gradients + i);
  if (!first) load4(sum, sums + i);
#pragma unroll
  for (int e = 0; e < 4; e++) {
    float added = __fmul_rn(g[e], share);
    sum[e] = first ? added : __fadd_rn(sum[e], added);
  }
  store4(sums + i, sum);
}
