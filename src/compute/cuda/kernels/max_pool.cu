// The maximum of each bin, four channels a thread. Of equal numbers the first counts, row by row; a NaN counts as the
// largest. Bins of position i: rows DOWN_START[i] to DOWN_END[i], columns ACROSS_START[i] to ACROSS_END[i].
FUNCTION bool above(float v, float best) { return v > best || (v != v && best == best); }

FUNCTION int place_of_maximum(const float* __restrict__ x, int n, int p, int q, int c, float& best) {
  int place = DOWN_START[p] * W + ACROSS_START[q];
  best = x[((size_t)n * H * W + place) * XP + c];
  for (int h = DOWN_START[p]; h < DOWN_END[p]; h++)
    for (int v = ACROSS_START[q]; v < ACROSS_END[q]; v++) {
      float number = x[(((size_t)n * H + h) * W + v) * XP + c];
      if (above(number, best)) { best = number; place = h * W + v; }
    }
  return place;
}
