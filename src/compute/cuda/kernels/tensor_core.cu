// Products of fragments in TF32, or in three passes of TF32 that together keep nearly all bits of 32-bit floats
// (Ootomo and Yokota 2022): a * b = low(a) * high(b) + high(a) * low(b) + high(a) * high(b).
FUNCTION u32 low_part(u32 whole, u32 high) {
  return to_tf32(__float_as_uint(__uint_as_float(whole) - __uint_as_float(high)));
}

template <int ROWS, int COLUMNS>
FUNCTION void multiply_fragments(float (*d)[COLUMNS][4], u32 (*a)[4], u32 (*b)[2]) {
  u32 low_a[ROWS][4], low_b[COLUMNS][2];
#pragma unroll
  for (int i = 0; i < ROWS; i++)
#pragma unroll
    for (int e = 0; e < 4; e++) {
      u32 high = to_tf32(a[i][e]);
      if (PASSES == 3) low_a[i][e] = low_part(a[i][e], high);
      a[i][e] = high;
    }
#pragma unroll
  for (int j = 0; j < COLUMNS; j++)
#pragma unroll
    for (int e = 0; e < 2; e++) {
      u32 high = to_tf32(b[j][e]);
      if (PASSES == 3) low_b[j][e] = low_part(b[j][e], high);
      b[j][e] = high;
    }
#pragma unroll
  for (int i = 0; i < ROWS; i++)
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
      if (PASSES == 3) {
        multiply(d[i][j], low_a[i], b[j]);
        multiply(d[i][j], a[i], low_b[j]);
      }
      multiply(d[i][j], a[i], b[j]);
    }
}

template <int ROWS, int COLUMNS>
FUNCTION void clear_fragments(float (*d)[COLUMNS][4]) {
#pragma unroll
  for (int i = 0; i < ROWS; i++)
#pragma unroll
    for (int j = 0; j < COLUMNS; j++)
#pragma unroll
      for (int e = 0; e < 4; e++) d[i][j][e] = 0.f;
}

// Starts the copies of the first tiles: `load(step, stage)` copies one.
template <class Load>
FUNCTION void start_tiles(int steps, const Load& load) {
#pragma unroll
  for (int s = 0; s < STAGES - 1; s++) {
    if (s < steps) load(s, s);
    close_copies();
  }
}

// Waits for the tile of a step, and starts the copies of the tile that takes the place of the one before.
template <class Load>
FUNCTION void next_tile(int step, int steps, const Load& load) {
  wait_copies<STAGES - 2>();
  BARRIER();
  if (step + STAGES - 1 < steps) load(step + STAGES - 1, (step + STAGES - 1) % STAGES);
  close_copies();
}
