// The highest class of each pixel, the first of equal ones, four pixels a thread and one byte each; NaN is never the
// highest. With PROBABILITIES also the softmax, [n][c][h][w].
KERNEL run(const float* __restrict__ x, float* __restrict__ classes, float* __restrict__ probabilities) {
  const int i = blockIdx.x * THREADS + threadIdx.x;
  if (i * 4 >= IMAGES * AREA) return;
  u32 word = 0;
  for (int e = 0; e < 4; e++) {
    const int m = i * 4 + e;
    if (m >= IMAGES * AREA) continue;
    const float* at = x + (size_t)m * XP;
    float best = __uint_as_float(0xff800000u);
    u32 highest = 0;
    for (int c = 0; c < C; c++)
      if (at[c] > best) {
        best = at[c];
        highest = c;
      }
    word |= highest << (8 * e);
    if (PROBABILITIES) {
      Softmax s = softmax_of(at);
      for (int c = 0; c < C; c++) probabilities[((size_t)(m / AREA) * C + c) * AREA + m % AREA] = probability(s, at, c);
    }
  }
  ((u32*)classes)[i] = word;
}
