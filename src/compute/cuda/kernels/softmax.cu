// Softmax over the channels of each pixel.
KERNEL run(const float* __restrict__ x, float* __restrict__ y) {
  int m = blockIdx.x * THREADS + threadIdx.x;
  if (m >= PIXELS) return;
  const float* at = x + (size_t)m * XP;
  float* to = y + (size_t)m * YP;
  float most = at[0], sum = 0.f;
  for (int c = 1; c < C; c++) most = at[c] > most ? at[c] : most;
  for (int c = 0; c < C; c++) sum += expf(at[c] - most);
  float factor = 1.f / sum;
  for (int c = 0; c < C4; c++) to[c] = c < C ? expf(at[c] - most) * factor : 0.f;
}
