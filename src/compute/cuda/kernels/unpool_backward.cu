// Each number takes the gradient at the place that its index names.
KERNEL run(const float* __restrict__ g, const float* __restrict__ index, float* __restrict__ to) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= N * P * Q * C4) return;
  int c = i % C4, window = i / C4, n = window / (P * Q);
  int place = (int)index[(size_t)window * IP + c];
  float v = g[((size_t)n * AREA + place) * GP + c];
  float* at = to + (size_t)window * TP + c;
  *at = ADD ? *at + v : v;
}
