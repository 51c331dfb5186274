// The numbers of a norm's channel: x * factor + summand is its output; mean and 1 / sqrt(variance + epsilon).
constexpr int NORM_NUMBERS = 4;
struct Channel { float factor, summand, mean, inverse; };

FUNCTION Channel of_channel(const float* norm, int c) {
  const float* at = norm + (size_t)(c < C ? c : 0) * NORM_NUMBERS;
  Channel channel = {at[0], at[1], at[2], at[3]};
  if (c >= C) channel.factor = channel.summand = channel.mean = channel.inverse = 0.f;
  return channel;
}
FUNCTION void store_norm(float* norm, int c, float mean, float inverse, float weight, float bias) {
  float* at = norm + (size_t)c * NORM_NUMBERS;
  float factor = weight * inverse;
  at[0] = factor; at[1] = bias - mean * factor; at[2] = mean; at[3] = inverse;
}
