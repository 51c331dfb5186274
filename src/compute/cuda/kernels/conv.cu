// A convolution as an implicit matrix product: rows are output pixels of a region, columns output channels, and the
// products run over taps and input channels. Maps have channels last; `x` is read where a tap lies inside, else zero.
//
// N P Q            images, rows and columns of the region;  FIRST_*, STEP_* its place in the output map HO x WO
// H W C4 XP        input map, its channels rounded up to 4, numbers per pixel;  STRIDE_* and TAP_* say which pixel a tap reads
// K YP             output channels, numbers per pixel
// BM BN BK         tile of a block: pixels, channels, products;  WM x WN warps, STAGES tiles in flight
constexpr int M = N * P * Q, PRODUCTS = TAPS * C4, STEPS = (PRODUCTS + BK - 1) / BK;
constexpr int ROWS = BM / WM / 16, COLUMNS = BN / WN / 8, PIECES = BK / 4;
constexpr int ROWS_AT_ONCE = THREADS / PIECES;
constexpr int A_LOADS = (BM + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE, B_LOADS = (BN + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;

// Place of a 16-byte piece in its row, such that eight rows do not share a bank.
FUNCTION int swizzle(int row, int piece) { return piece ^ (row & (PIECES - 1)); }

FUNCTION size_t output_pixel(int m) {
  if (FIRST_Y == 0 && FIRST_X == 0 && STEP_Y == 1 && STEP_X == 1 && P == HO && Q == WO) return m;
  int q = m % Q, rest = m / Q, p = rest % P, n = rest / P;
  return ((size_t)n * HO + FIRST_Y + p * STEP_Y) * WO + FIRST_X + q * STEP_X;
}

// `w` is [K][TAPS][C4]; `statistics` is [block][K4][2]: mean and sum of squared deviations of the block's pixels.
KERNEL run(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ bias,
           float* __restrict__ y, float* __restrict__ statistics, const float* __restrict__ norm) {
  SHARED(raw);
  float* a_tiles = (float*)raw;
  float* b_tiles = a_tiles + STAGES * BM * BK;
  float2* channels = (float2*)(b_tiles + STAGES * BN * BK);  // [C4]
  const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5, wm = warp / WN, wn = warp % WN;
  const int m0 = blockIdx.x * BM, n0 = blockIdx.y * BN;
  const int piece = tid % PIECES, row0 = tid / PIECES;
  int from_y[A_LOADS], from_x[A_LOADS];
  const float* image[A_LOADS];
#pragma unroll
  for (int i = 0; i < A_LOADS; i++) {
    int row = row0 + i * ROWS_AT_ONCE, m = m0 + row;
    bool there = m < M && row < BM;
    int q = m % Q, rest = m / Q, p = rest % P, n = rest / P;
    from_y[i] = there ? p * STRIDE_Y : -(1 << 20);
    from_x[i] = q * STRIDE_X;
    image[i] = x + (size_t)(there ? n : 0) * H * W * XP;
  }
  auto load = [&](int step, int stage) {
    int product = step * BK + piece * 4, tap, c;
    if (C4 % BK == 0) {
      constexpr int CHUNKS = C4 / BK > 0 ? C4 / BK : 1;
      tap = step / CHUNKS;
      c = step % CHUNKS * BK + piece * 4;
    } else {
      tap = product / C4;
      c = product % C4;
    }
    bool in_taps = product < PRODUCTS;
    int down = TAP_Y[in_taps ? tap : 0], across = TAP_X[in_taps ? tap : 0];
#pragma unroll
    for (int i = 0; i < A_LOADS; i++) {
      int row = row0 + i * ROWS_AT_ONCE;
      if (row >= BM) break;
      int h = from_y[i] + down, v = from_x[i] + across;
      bool there = in_taps && (unsigned)h < (unsigned)H && (unsigned)v < (unsigned)W;
      copy_or_mark(a_tiles + (stage * BM + row) * BK + swizzle(row, piece) * 4,
                   there ? image[i] + ((size_t)h * W + v) * XP + c : x, there);
    }
#pragma unroll
    for (int i = 0; i < B_LOADS; i++) {
      int row = row0 + i * ROWS_AT_ONCE;
      if (row >= BN) break;
      bool there = n0 + row < K && in_taps;
      copy16(b_tiles + (stage * BN + row) * BK + swizzle(row, piece) * 4,
             there ? w + (size_t)(n0 + row) * PRODUCTS + product : w, there);
    }
  };
  float sum[ROWS][COLUMNS][4];
  clear_fragments<ROWS, COLUMNS>(sum);
  // The barrier before the first tile is used is theirs too.
  if (NORMALISES)
    for (int c = tid; c < C4; c += THREADS) channels[c] = norm_channel(norm, c);
  start_tiles(STEPS, load);
  for (int step = 0; step < STEPS; step++) {
    next_tile(step, STEPS, load);
    const float* A = a_tiles + (step % STAGES) * BM * BK;
    const float* B = b_tiles + (step % STAGES) * BN * BK;
#pragma unroll
    for (int k = 0; k < BK / 8; k++) {
      u32 a[ROWS][4], b[COLUMNS][2];
#pragma unroll
      for (int i = 0; i < ROWS; i++) {
        int row = wm * (BM / WM) + i * 16 + (lane & 15);
        load_matrices(a[i], A + row * BK + swizzle(row, k * 2 + (lane >> 4)) * 4);
      }
      if (NORMALISES) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
          float2 channel = channels[(step * BK + k * 8 + half * 4 + (lane & 3)) % C4];
#pragma unroll
          for (int i = 0; i < ROWS; i++) {
            a[i][half * 2] = normalised(a[i][half * 2], channel);
            a[i][half * 2 + 1] = normalised(a[i][half * 2 + 1], channel);
          }
        }
      }
#pragma unroll
      for (int j = 0; j < COLUMNS; j += 2) {
        u32 two[4];
        int row = wn * (BN / WN) + j * 8 + (lane & 7) + ((lane >> 4) << 3);
        load_matrices(two, B + row * BK + swizzle(row, k * 2 + ((lane >> 3) & 1)) * 4);
        b[j][0] = two[0]; b[j][1] = two[1]; b[j + 1][0] = two[2]; b[j + 1][1] = two[3];
      }
      multiply_fragments<ROWS, COLUMNS>(sum, a, b);
    }
  }
  // Bias, what was there before, ReLU, and the results.
#pragma unroll
  for (int j = 0; j < COLUMNS; j++) {
    int n = n0 + wn * (BN / WN) + j * 8 + (lane & 3) * 2;
    float b0 = BIAS && n < K ? bias[n] : 0.f, b1 = BIAS && n + 1 < K ? bias[n + 1] : 0.f;
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
      for (int h = 0; h < 2; h++) {
        int m = m0 + wm * (BM / WM) + i * 16 + (lane >> 2) + h * 8;
        float v0 = sum[i][j][h * 2] + b0, v1 = sum[i][j][h * 2 + 1] + b1;
        if (m < M && n < K4) {
          float* to = y + output_pixel(m) * YP + n;
          if (ADD) { v0 += to[0]; v1 += to[1]; }
          if (RELU) { v0 = v0 < 0.f ? 0.f : v0; v1 = v1 < 0.f ? 0.f : v1; }
          *(float2*)to = make_float2(v0, v1);
        }
        sum[i][j][h * 2] = v0;
        sum[i][j][h * 2 + 1] = v1;
      }
  }
  if (!STATISTICS) return;
  // Mean and squared deviations of each channel over this block's pixels, in two passes over registers.
  float* part = (float*)raw;  // [WM][BN]
  const float count = M - m0 < BM ? M - m0 : BM;
  wait_copies<0>();
#pragma unroll
  for (int pass = 0; pass < 2; pass++) {
    BARRIER();
#pragma unroll
    for (int j = 0; j < COLUMNS; j++)
#pragma unroll
      for (int e = 0; e < 2; e++) {
        float s = 0.f;
#pragma unroll
        for (int i = 0; i < ROWS; i++)
#pragma unroll
          for (int h = 0; h < 2; h++) {
            int m = m0 + wm * (BM / WM) + i * 16 + (lane >> 2) + h * 8;
            float v = sum[i][j][h * 2 + e];
            if (m < M) s += pass == 0 ? v : v * v;
          }
        for (int d = 4; d < 32; d *= 2) s += from_lane(s, d);
        if (lane < 4) part[wm * BN + wn * (BN / WN) + j * 8 + (lane & 3) * 2 + e] = s;
      }
    BARRIER();
    for (int c = tid; c < BN; c += THREADS)
      if (n0 + c < K4) {
        float s = 0.f;
        for (int i = 0; i < WM; i++) s += part[i * BN + c];
        statistics[((size_t)blockIdx.x * K4 + n0 + c) * 2 + pass] = pass == 0 ? s / count : s;
      }
    if (pass == 1) break;
    // Deviations from the mean take the place of the results.
#pragma unroll
    for (int j = 0; j < COLUMNS; j++)
#pragma unroll
      for (int e = 0; e < 2; e++) {
        float s = 0.f;
        for (int i = 0; i < WM; i++) s += part[i * BN + wn * (BN / WN) + j * 8 + (lane & 3) * 2 + e];
#pragma unroll
        for (int i = 0; i < ROWS; i++)
#pragma unroll
          for (int h = 0; h < 2; h++) sum[i][j][h * 2 + e] -= s / count;
      }
  }
}
