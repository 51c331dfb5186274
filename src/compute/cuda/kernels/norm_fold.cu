// Splits a norm into what is folded into the convolution before it: a factor for its weights, and a bias.
KERNEL run(const float* __restrict__ norm, const float* __restrict__ conv_bias, float* __restrict__ factors,
           float* __restrict__ bias) {
  int c = blockIdx.x * THREADS + threadIdx.x;
  if (c >= C) return;
  Channel channel = of_channel(norm, c);
  factors[c] = channel.factor;
  bias[c] = channel.summand + (BIAS ? channel.factor * conv_bias[c] : 0.f);
}
