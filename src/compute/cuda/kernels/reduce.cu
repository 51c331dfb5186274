// The gradient of an operand that was broadcast: each of its numbers sums `value` over the places that read it. GROUP
// threads share a number, and their sums are added in a fixed order.
KERNEL run(const float* __restrict__ x0, const float* __restrict__ x1, const float* __restrict__ x2,
           float* __restrict__ y) {
  SHARED(raw);
  double* sums = (double*)raw;  // [THREADS]
  const int t = threadIdx.x % GROUP, i = blockIdx.x * (THREADS / GROUP) + threadIdx.x / GROUP;
  const bool there = i < N * H * W * C4;
  const int c = i % C4, pixel = i / C4, v = pixel % W, h = pixel / W % H, n = pixel / W / H;
  double sum = 0;
  if (there && c < C)
    for (int r = t; r < OVER_N * OVER_H * OVER_W * OVER_C; r += GROUP) {
      int rc = c + r % OVER_C, rv = v + r / OVER_C % OVER_W, rh = h + r / OVER_C / OVER_W % OVER_H,
          rn = n + r / OVER_C / OVER_W / OVER_H;
      auto number = [&](const float* x, const int* s) {
        return x[(size_t)rn * s[0] + (size_t)rh * s[1] + (size_t)rv * s[2] + (size_t)rc * s[3]];
      };
      sum += value(number(x0, STRIDES), OPERANDS > 1 ? number(x1, STRIDES + 4) : 0.f,
                   OPERANDS > 2 ? number(x2, STRIDES + 8) : 0.f);
    }
  if (GROUP > 1) {
    sums[threadIdx.x] = sum;
    for (int half = GROUP / 2; half > 0; half /= 2) {
      BARRIER();
      if (t < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    sum = sums[threadIdx.x];
  }
  if (there && t == 0) {
    float* at = y + (size_t)pixel * YP + c;
    *at = (ADD ? *at : 0.f) + (float)sum;
  }
}
