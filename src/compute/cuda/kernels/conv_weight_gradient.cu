// The gradient of a convolution's weights: for each tap, the product of the smaller map (rows: its channels) and the
// larger map (columns: taps and channels) over all pixels. The pixels are cut into SPLITS runs with one partial sum each.
//
// N P Q K SP      smaller map: images, rows, columns, channels, numbers per pixel
// H W C4 XP       larger map
constexpr int M = N * P * Q, ALL_COLUMNS = TAPS * C4;
constexpr int ROWS = BM / WM / 16, COLUMNS = BN / WN / 8, LINE_A = BM + 8, LINE_B = BN + 8;
constexpr int COLUMN_TILES = (ALL_COLUMNS + BN - 1) / BN;

KERNEL run(const float* __restrict__ small, const float* __restrict__ large, float* __restrict__ part,
           const float* __restrict__ norm) {
  SHARED(raw);
  float* a_tiles = (float*)raw;
  float* b_tiles = a_tiles + STAGES * BK * LINE_A;
  const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5, wm = warp / WN, wn = warp % WN, g = lane >> 2, t = lane & 3;
  const int k0 = blockIdx.x / COLUMN_TILES * BM, j0 = blockIdx.x % COLUMN_TILES * BN;
  const int first = blockIdx.y * RUN, last = first + RUN < M ? first + RUN : M, steps = (last - first + BK - 1) / BK;
  auto load = [&](int step, int stage) {
    for (int i = tid; i < BK * (BM / 4); i += THREADS) {
      int pixel = i / (BM / 4), k = i % (BM / 4) * 4, m = first + step * BK + pixel;
      bool there = m < last && k0 + k < K;
      copy16(a_tiles + (stage * BK + pixel) * LINE_A + k, there ? small + (size_t)m * SP + k0 + k : small, there);
    }
    for (int i = tid; i < BK * (BN / 4); i += THREADS) {
      int pixel = i / (BN / 4), column = i % (BN / 4) * 4, j = j0 + column, m = first + step * BK + pixel;
      bool in_taps = j < ALL_COLUMNS;
      int tap = in_taps ? j / C4 : 0, c = j % C4;
      int q = m % Q, rest = m / Q, p = rest % P, n = rest / P;
      int h = p * STRIDE_Y + TAP_Y[tap], v = q * STRIDE_X + TAP_X[tap];
      bool there = m < last && in_taps && (unsigned)h < (unsigned)H && (unsigned)v < (unsigned)W;
      copy_or_mark(b_tiles + (stage * BK + pixel) * LINE_B + column,
                   there ? large + (((size_t)n * H + h) * W + v) * XP + c : large, there);
    }
  };
  float sum[ROWS][COLUMNS][4];
  clear_fragments<ROWS, COLUMNS>(sum);
  float2 channels[COLUMNS];
#pragma unroll
  for (int j = 0; j < COLUMNS; j++)
    if (NORMALISES) channels[j] = norm_channel(norm, (j0 + wn * (BN / WN) + j * 8 + g) % C4);
  start_tiles(steps, load);
  for (int step = 0; step < steps; step++) {
    next_tile(step, steps, load);
    const float* A = a_tiles + (step % STAGES) * BK * LINE_A;
    const float* B = b_tiles + (step % STAGES) * BK * LINE_B;
#pragma unroll
    for (int k = 0; k < BK; k += 8) {
      u32 a[ROWS][4], b[COLUMNS][2];
#pragma unroll
      for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int e = 0; e < 4; e++)
          a[i][e] = __float_as_uint(A[(k + t + (e >> 1) * 4) * LINE_A + wm * (BM / WM) + i * 16 + g + (e & 1) * 8]);
#pragma unroll
      for (int j = 0; j < COLUMNS; j++)
#pragma unroll
        for (int e = 0; e < 2; e++) {
          b[j][e] = __float_as_uint(B[(k + t + e * 4) * LINE_B + wn * (BN / WN) + j * 8 + g]);
          if (NORMALISES) b[j][e] = normalised(b[j][e], channels[j]);
        }
      multiply_fragments<ROWS, COLUMNS>(sum, a, b);
    }
  }
#pragma unroll
  for (int i = 0; i < ROWS; i++)
#pragma unroll
    for (int j = 0; j < COLUMNS; j++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        int k = k0 + wm * (BM / WM) + i * 16 + g + (e >> 1) * 8, column = j0 + wn * (BN / WN) + j * 8 + t * 2 + (e & 1);
        if (k < K && column < ALL_COLUMNS) part[((size_t)blockIdx.y * K + k) * ALL_COLUMNS + column] = sum[i][j][e];
      }
}
