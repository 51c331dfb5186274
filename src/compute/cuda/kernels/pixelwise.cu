// Each number of the result from numbers at the same place, four channels a thread. An operand that is broadcast along an
// axis has stride 0 there. `value` is the function.
FUNCTION float4 operand(const float* x, int n, int h, int v, int c, const int* strides) {
  const float* at = x + (size_t)n * strides[0] + (size_t)h * strides[1] + (size_t)v * strides[2];
  if (strides[3] == 0) return make_float4(at[0], at[0], at[0], at[0]);
  return *(const float4*)(at + c);
}

KERNEL run(const float* __restrict__ x0, const float* __restrict__ x1, const float* __restrict__ x2,
           float* __restrict__ y) {
  int i = blockIdx.x * THREADS + threadIdx.x;
  if (i >= N * H * W * (C4 / 4)) return;
  int c = i % (C4 / 4) * 4, pixel = i / (C4 / 4), v = pixel % W, h = pixel / W % H, n = pixel / W / H;
  float4 none = make_float4(0.f, 0.f, 0.f, 0.f);
  float4 a = operand(x0, n, h, v, c, STRIDES), b = OPERANDS > 1 ? operand(x1, n, h, v, c, STRIDES + 4) : none,
         d = OPERANDS > 2 ? operand(x2, n, h, v, c, STRIDES + 8) : none;
  float* at = y + (size_t)pixel * YP + c;
  float r[4] = {value(a.x, b.x, d.x), value(a.y, b.y, d.y), value(a.z, b.z, d.z), value(a.w, b.w, d.w)};
#pragma unroll
  for (int e = 0; e < 4; e++) {
    if (ADD) r[e] += at[e];
    if (c + e >= C) r[e] = 0.f;
  }
  *(float4*)at = make_float4(r[0], r[1], r[2], r[3]);
}
