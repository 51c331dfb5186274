// Channel (c * F + i) * F + j at (h, v) of the deep map is channel c at (h * F + i, v * F + j) of the wide one.
KERNEL run(const float* __restrict__ from, float* __restrict__ to) {
  int k = blockIdx.x * THREADS + threadIdx.x;
  if (k >= N * H * W * C4) return;
  int c = k % C4, pixel = k / C4, v = pixel % W, h = pixel / W % H, n = pixel / W / H;
  float r = 0.f;
  if (c < C) {
    if (TO_WIDE) r = from[(((size_t)n * (H / F) + h / F) * (W / F) + v / F) * FP + (c * F + h % F) * F + v % F];
    else r = from[(((size_t)n * (H * F) + h * F + c / F % F) * (W * F) + v * F + c % F) * FP + c / (F * F)];
  }
  float* at = to + (size_t)pixel * TP + c;
  *at = ADD ? *at + r : r;
}
