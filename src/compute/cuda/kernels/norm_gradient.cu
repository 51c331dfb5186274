// The gradient of a norm's input: factor * g + b * x + c, where g is zero where the ReLU was.
KERNEL run(const float* __restrict__ x, const float* __restrict__ g, const float* __restrict__ norm,
           const float* __restrict__ coefficients, float* __restrict__ to) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= PIXELS * (C4 / 4)) return;
  int c = i % (C4 / 4) * 4, m = i / (C4 / 4);
  float4 vx = *(const float4*)(x + (size_t)m * XP + c), vg = *(const float4*)(g + (size_t)m * GP + c);
  float r[4], xs[4] = {vx.x, vx.y, vx.z, vx.w}, gs[4] = {vg.x, vg.y, vg.z, vg.w};
  float* at = to + (size_t)m * TP + c;
#pragma unroll
  for (int e = 0; e < 4; e++) {
    Channel channel = of_channel(norm, c + e);
    float b = c + e < C ? coefficients[(c + e) * 2] : 0.f, d = c + e < C ? coefficients[(c + e) * 2 + 1] : 0.f;
    float grad = !RELU || xs[e] * channel.factor + channel.summand > 0.f ? gs[e] : 0.f;
    r[e] = grad * channel.factor + xs[e] * b + d;
    if (ADD) r[e] += at[e];
  }
  *(float4*)at = make_float4(r[0], r[1], r[2], r[3]);
}
