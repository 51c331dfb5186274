// Each input pixel takes the gradient of the bins whose maximum it is; READ_*[h] is the first and one past the last bin
// with row or column h.
KERNEL run(const float* __restrict__ x, const float* __restrict__ g, float* __restrict__ to) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= N * H * W * C4) return;
  int c = i % C4, pixel = i / C4, v = pixel % W, h = pixel / W % H, n = pixel / W / H;
  float sum = 0.f;
  for (int p = READ_DOWN[2 * h]; p < READ_DOWN[2 * h + 1]; p++)
    for (int q = READ_ACROSS[2 * v]; q < READ_ACROSS[2 * v + 1]; q++) {
      float best;
      if (place_of_maximum(x, n, p, q, c, best) == h * W + v) sum += g[(((size_t)n * P + p) * Q + q) * GP + c];
    }
  float* at = to + (size_t)pixel * TP + c;
  *at = ADD ? *at + sum : sum;
}
