// The mean or the maximum over the channels of each pixel; a NaN counts as the largest.
KERNEL run(const float* __restrict__ x, float* __restrict__ y) {
  int m = blockIdx.x * THREADS + threadIdx.x;
  if (m >= PIXELS) return;
  const float* at = x + (size_t)m * XP;
  float v = MAXIMUM ? at[0] : 0.f;
  for (int c = 0; c < C; c++) {
    float number = at[c];
    if (MAXIMUM) v = number > v || number != number ? number : v;
    else v += number;
  }
  *(float4*)(y + (size_t)m * YP) = make_float4(MAXIMUM ? v : v / C, 0.f, 0.f, 0.f);
}
