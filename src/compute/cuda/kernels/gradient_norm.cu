// From the sums of squares of all runs to the norm, the factor that clips gradients, and whether the step is to be made:
// norm and loss must be finite, in this step and in those before. The sum has the range of 32 bits, as on the processor.
KERNEL run(const float* __restrict__ part, const float* __restrict__ loss, float* __restrict__ report) {
  SHARED(raw);
  double* sums = (double*)raw;  // [THREADS]
  const int t = threadIdx.x;
  double sum = 0;
  for (int r = t; r < RUNS; r += THREADS) sum += ((const double*)part)[r];
  sums[t] = sum;
  for (int half = THREADS / 2; half > 0; half /= 2) {
    BARRIER();
    if (t < half) sums[t] += sums[t + half];
  }
  if (t > 0) return;
  const double norm = sqrt((double)(float)sums[0]);
  const bool finite = norm - norm == 0;
  const double scale = CLIPS ? MOST / (norm + 1e-6) : 1;
  report[0] = (float)norm;
  report[1] = finite && scale < 1 ? (float)scale : 1.f;
  // After a step that was not made none is: the host learns of it late.
  report[2] = finite && loss[1] - loss[1] == 0 && report[2] != 0.f ? 1.f : 0.f;
}
