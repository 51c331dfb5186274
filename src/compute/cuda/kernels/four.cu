// Four numbers of a region, whose length is a multiple of 64.
FUNCTION void load4(float* v, const float* from) {
  const float4 w = *(const float4*)from;
  v[0] = w.x; v[1] = w.y; v[2] = w.z; v[3] = w.w;
}
FUNCTION void store4(float* to, const float* v) { *(float4*)to = make_float4(v[0], v[1], v[2], v[3]); }
