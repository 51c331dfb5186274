// A norm, and perhaps a ReLU, that a convolution applies to what it reads, so that the normalised map is never written.
//
// NORMALISES       whether it does;  NORM_RELU whether a ReLU follows the norm
// Zeros around a map are zeros of the normalised map. Numbers from outside carry a mark through the tile: a NaN that no
// instruction makes, so that NaNs of the map stay NaNs.
constexpr u32 OUTSIDE = 0x7fc5a5a5u;

FUNCTION void copy_or_mark(void* to, const void* from, bool there) {
  if (NORMALISES && !there) *(uint4*)to = make_uint4(OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE);
  else copy16(to, from, there);
}

// `channel` is the factor and the summand.
FUNCTION u32 normalised(u32 x, float2 channel) {
  float v = __uint_as_float(x) * channel.x + channel.y;
  if (NORM_RELU) v = v < 0.f ? 0.f : v;
  return x == OUTSIDE ? 0u : __float_as_uint(v);
}

// `norm` is as in `norm.cu`; channels that only fill a group have no numbers there.
FUNCTION float2 norm_channel(const float* norm, int c) {
  return c < NORM_CHANNELS ? make_float2(norm[(size_t)c * 4], norm[(size_t)c * 4 + 1]) : make_float2(0.f, 0.f);
}
