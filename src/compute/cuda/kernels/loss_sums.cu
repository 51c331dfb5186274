// Sums over the pixels of a run, one run a block along x and four classes a block along y: [block][SLOTS] in 64 bits. The
// slots are the sum of each pixel term, then a number that is NaN if a logit is not finite and else 0, then CLASS_SUMS sums
// of each class: pixels of the class, p of these, p of the others, p * p. Pixels of no class, the ignored ones, count in none.
constexpr int OF_PIXELS = PIXEL_TERMS + 1, VALUES = OF_PIXELS + 4 * CLASS_SUMS, AT_ONCE = 8, TEAM = THREADS / AT_ONCE;

FUNCTION float pixel_term(int k, const Softmax& s, const float* x, int y) {
  if (FOCAL[k]) {
    Odds odds = odds_of(x, y);
    return CLASS_FACTORS[k * C + y] * softplus(-odds.z) * expf(-GAMMAS[k] * softplus(odds.z));
  }
  float loss = CLASS_FACTORS[k * C + y] * (s.log_sum - (x[y] - s.most));
  if (SMOOTHED[k])
    for (int c = 0; c < C; c++) loss += SPREAD[k * C + c] * (s.log_sum - (x[c] - s.most));
  return loss;
}

KERNEL run(const float* __restrict__ x, const float* __restrict__ targets, float* __restrict__ part) {
  SHARED(raw);
  double* sums = (double*)raw;  // [AT_ONCE][THREADS]
  const int t = threadIdx.x, image = blockIdx.x / IMAGE_BLOCKS, group = blockIdx.y * 4;
  const int first = blockIdx.x % IMAGE_BLOCKS * RUN, last = first + RUN < AREA ? first + RUN : AREA;
  const unsigned char* classes = (const unsigned char*)targets + (size_t)image * AREA;
  double v[VALUES];
#pragma unroll
  for (int i = 0; i < VALUES; i++) v[i] = 0;
  for (int m = first + t; m < last; m += THREADS) {
    const float* at = x + ((size_t)image * AREA + m) * XP;
    const int y = classes[m];
    Softmax s = softmax_of(at);
    if (blockIdx.y == 0) {
      for (int c = 0; c < C; c++) v[PIXEL_TERMS] += at[c] - at[c];
#pragma unroll
      for (int k = 0; k < PIXEL_TERMS; k++)
        if (y < C) v[k] += pixel_term(k, s, at, y);
    }
    if (y >= C) continue;
#pragma unroll
    for (int e = 0; e < 4; e++) {
      int c = group + e;
      if (c >= C) continue;
      double* of_class = v + OF_PIXELS + e * CLASS_SUMS;
      of_class[0] += c == y ? 1 : 0;
      if (CLASS_SUMS > 1) {
        float p = probability(s, at, c);
        of_class[1] += c == y ? p : 0.f;
        of_class[2] += c == y ? 0.f : p;
        of_class[3] += p * p;
      }
    }
  }
#pragma unroll
  for (int from = 0; from < VALUES; from += AT_ONCE) {
#pragma unroll
    for (int e = 0; e < AT_ONCE; e++) sums[e * THREADS + t] = from + e < VALUES ? v[from + e] : 0;
    BARRIER();
    double sum = 0;
    for (int i = t % TEAM; i < THREADS; i += TEAM) sum += sums[t / TEAM * THREADS + i];
    BARRIER();
    sums[t] = sum;
    BARRIER();
    const int value = from + t, c = group + (value - OF_PIXELS) / CLASS_SUMS;
    const bool of_pixels = value < OF_PIXELS;
    if (t < AT_ONCE && value < VALUES && (of_pixels ? blockIdx.y == 0 : c < C)) {
      sum = 0;
      for (int i = 0; i < TEAM; i++) sum += sums[t * TEAM + i];
      ((double*)part)[(size_t)blockIdx.x * SLOTS + (of_pixels ? value : group * CLASS_SUMS + value)] = sum;
    }
    BARRIER();
  }
}
