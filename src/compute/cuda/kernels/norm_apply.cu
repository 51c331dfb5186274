// y = x * factor + summand, and ReLU; four channels a thread.
KERNEL run(const float* __restrict__ x, const float* __restrict__ norm, float* __restrict__ y) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= PIXELS * (C4 / 4)) return;
  int c = i % (C4 / 4) * 4, m = i / (C4 / 4);
  float4 v = *(const float4*)(x + (size_t)m * XP + c);
  float r[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
  for (int e = 0; e < 4; e++) {
    Channel channel = of_channel(norm, c + e);
    r[e] = r[e] * channel.factor + channel.summand;
    if (RELU) r[e] = r[e] < 0.f ? 0.f : r[e];
  }
  *(float4*)(y + (size_t)m * YP + c) = make_float4(r[0], r[1], r[2], r[3]);
}
