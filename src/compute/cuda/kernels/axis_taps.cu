// Separable linear operators, four channels a thread: each pixel is a weighted sum over some rows and some columns. The
// taps of position i are number DOWN_START[i] to DOWN_START[i + 1].
KERNEL run(const float* __restrict__ x, float* __restrict__ y) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= N * HO * WO * (C4 / 4)) return;
  int c = i % (C4 / 4) * 4, pixel = i / (C4 / 4), q = pixel % WO, p = pixel / WO % HO, n = pixel / WO / HO;
  float r[4] = {0.f, 0.f, 0.f, 0.f};
  for (int d = DOWN_START[p]; d < DOWN_START[p + 1]; d++)
    for (int a = ACROSS_START[q]; a < ACROSS_START[q + 1]; a++) {
      float4 v = *(const float4*)(x + (((size_t)n * H + DOWN_PLACE[d]) * W + ACROSS_PLACE[a]) * XP + c);
      float weight = DOWN_WEIGHT[d] * ACROSS_WEIGHT[a];
      r[0] += weight * v.x; r[1] += weight * v.y; r[2] += weight * v.z; r[3] += weight * v.w;
    }
  float* at = y + (size_t)pixel * YP + c;
#pragma unroll
  for (int e = 0; e < 4; e++)
    if (ADD) r[e] += at[e];
  *(float4*)at = make_float4(r[0], r[1], r[2], r[3]);
}
