// The gradient of a result's logits, one pixel a thread. `slopes` are those of the result, as `loss_finish.cu` wrote them.
KERNEL run(const float* __restrict__ x, const float* __restrict__ targets, const float* __restrict__ slopes,
           float* __restrict__ to) {
  const int m = blockIdx.x * THREADS + threadIdx.x;
  if (m >= IMAGES * AREA) return;
  const float* at = x + (size_t)m * XP;
  const int y = ((const unsigned char*)targets)[m];
  const bool counts = y < C;
  const Softmax s = softmax_of(at);
  const float* of_classes = slopes + PIXEL_TERMS + (size_t)(m / AREA) * C * 3;
  // The sum of the other classes' exponentials as a share of all: 1 - p of the true class.
  const float others = !counts ? 0.f : (y == s.top ? s.rest : 1.f + s.rest - expf(at[y] - s.most)) / (1.f + s.rest);
  auto slope = [&](int c) {
    const float* of = of_classes + c * 3;
    return (c == y ? of[0] : 0.f) + of[1] + of[2] * probability(s, at, c);
  };
  // Slopes are taken relative to that of the largest class, so that the mean does not cancel where its p is near 1.
  float base = 0.f, mean = 0.f;
  if (REGIONS && counts) {
    base = slope(s.top);
    for (int c = 0; c < C; c++)
      if (c != s.top) mean += probability(s, at, c) * (slope(c) - base);
  }
  Odds odds = {0.f, 0.f, 0.f};
  if (ANY_FOCAL && counts) odds = odds_of(at, y);
  float along[PIXEL_TERMS + 1];
#pragma unroll
  for (int k = 0; k < PIXEL_TERMS; k++)
    if (FOCAL[k] && counts) {
      float by_z = sigmoid(-odds.z) + GAMMAS[k] * sigmoid(odds.z) * softplus(-odds.z);
      along[k] = -slopes[k] * CLASS_FACTORS[k * C + y] * expf(-GAMMAS[k] * softplus(odds.z)) * by_z;
    }
  for (int from = 0; from < C4; from += 4) {
    float r[4];
#pragma unroll
    for (int e = 0; e < 4; e++) {
      const int c = from + e;
      r[e] = 0.f;
      if (c >= C || !counts) continue;
      const float p = probability(s, at, c);
      if (REGIONS) r[e] = p * (slope(c) - base - mean);
#pragma unroll
      for (int k = 0; k < PIXEL_TERMS; k++)
        if (FOCAL[k]) r[e] += c == y ? along[k] : -along[k] * expf(at[c] - odds.most - odds.log_sum);
        else {
          float g = CLASS_FACTORS[k * C + y] * (c == y ? -others : p);
          if (SMOOTHED[k]) g += SPREAD_SUMS[k] * p - SPREAD[k * C + c];
          r[e] += slopes[k] * g;
        }
    }
    float4* into = (float4*)(to + (size_t)m * TP + from);
    if (ADD) {
      float4 old = *into;
      r[0] += old.x; r[1] += old.y; r[2] += old.z; r[3] += old.w;
    }
    *into = make_float4(r[0], r[1], r[2], r[3]);
  }
}
