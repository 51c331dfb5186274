// The softmax of a pixel's logits, relative to their largest: the sum of all e^(x - most) is 1 + rest.
struct Softmax {
  float most, rest, log_sum;
  int top;
};
FUNCTION Softmax softmax_of(const float* x) {
  Softmax s = {x[0], 0.f, 0.f, 0};
  for (int c = 1; c < C; c++)
    if (x[c] > s.most) {
      s.most = x[c];
      s.top = c;
    }
  for (int c = 0; c < C; c++)
    if (c != s.top) s.rest += expf(x[c] - s.most);
  s.log_sum = log1pf(s.rest);
  return s;
}
FUNCTION float probability(const Softmax& s, const float* x, int c) { return expf(x[c] - s.most) / (1.f + s.rest); }

FUNCTION float softplus(float a) { return (a > 0.f ? a : 0.f) + log1pf(expf(-fabsf(a))); }
FUNCTION float sigmoid(float a) { return 1.f / (1.f + expf(-a)); }

// The log-odds of a class, z = log p - log(1 - p), without the cancellation of 1 - p. The sum of the other classes'
// exponentials is e^(most + log_sum); the two are kept apart, because large logits would swallow the second.
struct Odds {
  float z, most, log_sum;
};
FUNCTION Odds odds_of(const float* x, int y) {
  float most = -1e30f, sum = 0.f;
  for (int c = 0; c < C; c++)
    if (c != y && x[c] > most) most = x[c];
  for (int c = 0; c < C; c++)
    if (c != y) sum += expf(x[c] - most);
  float log_sum = logf(sum);
  return {x[y] - most - log_sum, most, log_sum};
}
