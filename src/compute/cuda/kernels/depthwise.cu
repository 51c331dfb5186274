// A convolution of each channel by itself, over the pixels of a region; `w` is [TAPS][C4] in the region's order.
KERNEL run(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ bias,
           float* __restrict__ y) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= N * P * Q * (C4 / 4)) return;
  int c = i % (C4 / 4) * 4, m = i / (C4 / 4), q = m % Q, p = m / Q % P, n = m / Q / P;
  float r[4] = {0.f, 0.f, 0.f, 0.f};
  for (int tap = 0; tap < TAPS; tap++) {
    int h = p * STRIDE_Y + TAP_Y[tap], v = q * STRIDE_X + TAP_X[tap];
    if ((unsigned)h >= (unsigned)H || (unsigned)v >= (unsigned)W) continue;
    float4 a = *(const float4*)(x + (((size_t)n * H + h) * W + v) * XP + c), b = *(const float4*)(w + tap * C4 + c);
    r[0] += a.x * b.x; r[1] += a.y * b.y; r[2] += a.z * b.z; r[3] += a.w * b.w;
  }
  float* at = y + (((size_t)n * HO + FIRST_Y + p * STEP_Y) * WO + FIRST_X + q * STEP_X) * YP + c;
#pragma unroll
  for (int e = 0; e < 4; e++) {
    if (BIAS && c + e < C) r[e] += bias[c + e];
    if (ADD) r[e] += at[e];
    if (RELU) r[e] = r[e] < 0.f ? 0.f : r[e];
  }
  *(float4*)at = make_float4(r[0], r[1], r[2], r[3]);
}
