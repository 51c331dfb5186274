// Puts each number at the place that its index names, and zeros elsewhere; numbers of one place add up. READ_*[h] is the
// first and one past the last window of the pool that reads row or column h.
KERNEL run(const float* __restrict__ x, const float* __restrict__ index, float* __restrict__ to) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= N * H * W * C4) return;
  int c = i % C4, pixel = i / C4, v = pixel % W, h = pixel / W % H, n = pixel / W / H;
  float sum = 0.f;
  for (int p = READ_DOWN[2 * h]; p < READ_DOWN[2 * h + 1]; p++)
    for (int q = READ_ACROSS[2 * v]; q < READ_ACROSS[2 * v + 1]; q++) {
      size_t window = ((size_t)n * P + p) * Q + q;
      if ((int)index[window * IP + c] == h * W + v) sum += x[window * XP + c];
    }
  to[(size_t)pixel * TP + c] = sum;
}
