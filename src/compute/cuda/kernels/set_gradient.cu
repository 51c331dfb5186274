// The gradient of the input: inverse * (g * weight - mean of g * weight - (x - mean) * inverse^2 * mean of g * weight *
// (x - mean)).
KERNEL run(const float* __restrict__ x, const float* __restrict__ g, const float* __restrict__ weight,
           const float* __restrict__ statistics, const float* __restrict__ flow, float* __restrict__ to) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= PIXELS * C4) return;
  int c = i % C4, m = i / C4, s = set_of(m, c);
  float mean = statistics[2 * s], inverse = statistics[2 * s + 1];
  float v = 0.f;
  if (c < C)
    v = inverse * (g[(size_t)m * GP + c] * factor_of(weight, c) - flow[2 * s] -
                   (x[(size_t)m * XP + c] - mean) * (inverse * inverse * flow[2 * s + 1]));
  float* at = to + (size_t)m * TP + c;
  *at = ADD ? *at + v : v;
}
