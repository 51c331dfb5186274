KERNEL run(const float* __restrict__ x, float* __restrict__ y, float* __restrict__ index) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= N * P * Q * C4) return;
  int c = i % C4, pixel = i / C4, q = pixel % Q, p = pixel / Q % P, n = pixel / Q / P;
  float best;
  int place = place_of_maximum(x, n, p, q, c, best);
  y[(size_t)pixel * YP + c] = best;
  if (INDEX) index[(size_t)pixel * IP + c] = (float)place;
}
