// From the sums of all runs, [RESULTS][IMAGES][IMAGE_BLOCKS][SLOTS], to the loss and to the numbers that its gradient needs:
// for each result a factor of each pixel term, then for each image and class a, b and e, so that the derivative of the
// region terms by p is a * g + b + e * p, where g is 1 for a pixel of the class. One block; `totals` is its memory.
constexpr int TEAMS = THREADS / 32, OF_RESULT = PIXEL_TERMS + IMAGES * C * 3;
enum TermKind { CROSS_ENTROPY, FOCAL_TERM, DICE, TVERSKY };

// The sums of an image, or with `whole` of all.
FUNCTION double total(const double* totals, int result, int image, bool whole, int slot) {
  double sum = 0;
  for (int n = whole ? 0 : image; n < (whole ? IMAGES : image + 1); n++)
    sum += totals[((size_t)result * IMAGES + n) * SLOTS + slot];
  return sum;
}
FUNCTION double class_sum(const double* totals, int result, int image, bool whole, int c, int which) {
  return total(totals, result, image, whole, PIXEL_TERMS + 1 + c * CLASS_SUMS + which);
}
// Pixels that count.
FUNCTION double counted(const double* totals, int result, int image, bool whole) {
  double sum = 0;
  for (int c = 0; c < C; c++) sum += class_sum(totals, result, image, whole, c, 0);
  return sum;
}
// What the sum of a pixel term is divided by: the weights of the pixels, or their number.
FUNCTION double divisor(const double* totals, int result, int t) {
  if (KINDS[t] == FOCAL_TERM) return counted(totals, result, 0, true);
  double sum = 0;
  for (int c = 0; c < C; c++) sum += CLASS_WEIGHTS[PIXELS_OF[t] * C + c] * class_sum(totals, result, 0, true, c, 0);
  return sum;
}
// Images with pixels that count, or 1 for a batch that has any.
FUNCTION int used_rows(const double* totals, int result, int t) {
  if (WHOLE[t]) return counted(totals, result, 0, true) > 0 ? 1 : 0;
  int used = 0;
  for (int n = 0; n < IMAGES; n++) used += counted(totals, result, n, false) > 0 ? 1 : 0;
  return used;
}

struct Overlap {
  double part, whole;  // 1 - part / whole is the loss
  bool least;          // whether the denominator is the smallest allowed one
};
FUNCTION Overlap overlap(const double* totals, int result, int image, int t, int c) {
  double pixels = class_sum(totals, result, image, WHOLE[t], c, 0), hits = class_sum(totals, result, image, WHOLE[t], c, 1),
         false_hits = class_sum(totals, result, image, WHOLE[t], c, 2);
  Overlap found;
  if (KINDS[t] == DICE) {
    double p = SQUARED[t] ? class_sum(totals, result, image, WHOLE[t], c, 3) : hits + false_hits;
    found.part = 2 * hits + SMOOTH[t];
    found.whole = p + pixels + SMOOTH[t];
  } else {
    found.part = hits + SMOOTH[t];
    found.whole = hits + ALPHAS[t] * false_hits + BETAS[t] * (pixels - hits) + SMOOTH[t];
  }
  found.least = found.whole < 1e-8;
  if (found.least) found.whole = 1e-8;
  return found;
}

FUNCTION double term_value(const double* totals, int result, int t) {
  if (PIXELS_OF[t] >= 0) {
    double by = divisor(totals, result, t);
    return by > 0 ? total(totals, result, 0, true, PIXELS_OF[t]) / by : 0;
  }
  double sum = 0;
  for (int n = 0; n < (WHOLE[t] ? 1 : IMAGES); n++)
    for (int c = FIRST_CLASS[t]; c < C && counted(totals, result, n, WHOLE[t]) > 0; c++) {
      Overlap found = overlap(totals, result, n, t, c);
      double loss = 1 - found.part / found.whole;
      if (EXPONENTS[t] != 1) loss = pow(loss > 1e-12 ? loss : 1e-12, EXPONENTS[t]);
      sum += loss;
    }
  int of = (C - FIRST_CLASS[t]) * used_rows(totals, result, t);
  return of > 0 ? sum / of : 0;
}

KERNEL run(const float* __restrict__ part, const float* __restrict__ scalars, float* numbers, float* __restrict__ loss,
           float* __restrict__ slopes) {
  SHARED(raw);
  double* sums = (double*)raw;  // [THREADS], then [RESULTS][TERMS]
  double* values = sums + THREADS;
  double* totals = (double*)numbers;
  const int t = threadIdx.x, lane = t % 32;
  for (int from = 0; from < RESULTS * IMAGES * SLOTS; from += TEAMS) {
    const int i = from + t / 32;
    double sum = 0;
    if (i < RESULTS * IMAGES * SLOTS)
      for (int b = lane; b < IMAGE_BLOCKS; b += 32)
        sum += ((const double*)part)[((size_t)(i / SLOTS) * IMAGE_BLOCKS + b) * SLOTS + i % SLOTS];
    sums[t] = sum;
    for (int half = 16; half > 0; half /= 2) {
      BARRIER();
      if (lane < half) sums[t] += sums[t + half];
    }
    if (lane == 0 && i < RESULTS * IMAGES * SLOTS) totals[i] = sums[t];
    BARRIER();
  }
  for (int i = t; i < RESULTS * TERMS; i += THREADS)
    values[i] = term_value(totals, i / TERMS, i % TERMS) + total(totals, i / TERMS, 0, true, PIXEL_TERMS);
  BARRIER();
  if (t == 0) {
    double sum = 0;
    for (int i = 0; i < RESULTS * TERMS; i++) {
      sum += RESULT_WEIGHTS[i / TERMS] * WEIGHTS[i % TERMS] * values[i];
      loss[2 + i] = (float)values[i];
    }
    const float share = __fmul_rn((float)sum, scalars[AT_SHARE]);
    loss[1] = scalars[AT_FIRST_BATCH] != 0.f ? share : __fadd_rn(loss[1], share);
    loss[0] = (float)sum;
  }
  for (int i = t; i < RESULTS * TERMS; i += THREADS) {
    const int term = i % TERMS, result = i / TERMS;
    if (PIXELS_OF[term] < 0) continue;
    double by = divisor(totals, result, term), weight = RESULT_WEIGHTS[result] * WEIGHTS[term];
    slopes[(size_t)result * OF_RESULT + PIXELS_OF[term]] = by > 0 ? (float)(weight / by) : 0.f;
  }
  for (int i = t; REGIONS && i < RESULTS * IMAGES * C; i += THREADS) {
    const int c = i % C, image = i / C % IMAGES, result = i / C / IMAGES;
    double a = 0, b = 0, e = 0;
    for (int k = 0; k < TERMS; k++) {
      if (PIXELS_OF[k] >= 0 || c < FIRST_CLASS[k] || counted(totals, result, image, WHOLE[k]) == 0) continue;
      Overlap found = overlap(totals, result, image, k, c);
      double share = RESULT_WEIGHTS[result] * WEIGHTS[k] / ((C - FIRST_CLASS[k]) * used_rows(totals, result, k));
      double by_whole = found.least ? 0 : found.part / (found.whole * found.whole), loss = 1 - found.part / found.whole;
      if (EXPONENTS[k] != 1) share *= loss > 1e-12 ? EXPONENTS[k] * pow(loss, EXPONENTS[k] - 1) : 0;
      if (KINDS[k] == DICE) {
        a -= share * 2 / found.whole;
        if (SQUARED[k]) e += share * 2 * by_whole; else b += share * by_whole;
      } else {
        a += share * (by_whole * (1 - ALPHAS[k] - BETAS[k]) - 1 / found.whole);
        b += share * by_whole * ALPHAS[k];
      }
    }
    float* at = slopes + (size_t)result * OF_RESULT + PIXEL_TERMS + ((size_t)image * C + c) * 3;
    at[0] = (float)a; at[1] = (float)b; at[2] = (float)e;
  }
}
