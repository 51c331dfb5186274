// Makes the running statistics after the last batch those of the step, and averages them, four numbers a thread.
KERNEL run(const float* __restrict__ pending, const float* __restrict__ scalars, const float* __restrict__ report,
           float* __restrict__ running, float* __restrict__ averages) {
  const int i = (blockIdx.x * THREADS + threadIdx.x) * 4;
  if (i >= LEN || report[2] == 0.f) return;
  float now[4], average[4];
  load4(now, pending + i);
  store4(running + i, now);
  if (AVERAGES) {
    load4(average, averages + i);
#pragma unroll
    for (int e = 0; e < 4; e++) average[e] = averaged(average[e], now[e], scalars[AT_FIRST_AVERAGE] != 0.f);
    store4(averages + i, average);
  }
}
