// Moves four weights a thread, with the optimiser's state, and the average after them. `moved` is the optimiser. Nothing
// moves where the report says that the step is not to be made.
KERNEL run(const float* __restrict__ gradients, const float* __restrict__ scalars, const float* __restrict__ report,
           float* __restrict__ weights, float* __restrict__ firsts, float* __restrict__ seconds,
           float* __restrict__ averages) {
  const int i = (blockIdx.x * THREADS + threadIdx.x) * 4;
  if (i >= LEN || report[2] == 0.f) return;
  const float factor = report[1];
  const bool begins = scalars[AT_FIRST_STEP] != 0.f, begins_average = scalars[AT_FIRST_AVERAGE] != 0.f;
  float g[4], x[4], first[4] = {0.f, 0.f, 0.f, 0.f}, second[4] = {0.f, 0.f, 0.f, 0.f}, average[4];
  load4(g, gradients + i);
  load4(x, weights + i);
  if (HAS_FIRST) load4(first, firsts + i);
  if (HAS_SECOND) load4(second, seconds + i);
  if (AVERAGES) load4(average, averages + i);
#pragma unroll
  for (int e = 0; e < 4; e++) {
    if (CLIPS) g[e] = __fmul_rn(g[e], factor);
    x[e] = moved(x[e], g[e], first[e], second[e], begins, scalars);
    if (AVERAGES) average[e] = averaged(average[e], x[e], begins_average);
  }
  store4(weights + i, x);
  if (HAS_FIRST) store4(firsts + i, first);
  if (HAS_SECOND) store4(seconds + i, second);
  if (AVERAGES) store4(averages + i, average);
}
