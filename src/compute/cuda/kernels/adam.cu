// Adam and AdamW for one number, in the order of 32-bit operations of `learn/optim/rule.rs`.
constexpr bool HAS_FIRST = true, HAS_SECOND = true;
FUNCTION float moved(float x, float g, float& first, float& second, bool begins, const float* scalars) {
  if (DECAYS) g = __fadd_rn(g, __fmul_rn(x, (float)DECAY));
  if (begins) first = second = 0.f;
  first = __fadd_rn(first, __fmul_rn(__fsub_rn(g, first), (float)FIRST_SHARE));
  second = __fadd_rn(__fmul_rn(second, (float)SECOND_DECAY), __fmul_rn(__fmul_rn(g, g), (float)SECOND_SHARE));
  const float spread = __fadd_rn(__fdiv_rn(__fsqrt_rn(second), scalars[AT_CORRECTION]), (float)EPSILON);
  return __fsub_rn(__fmul_rn(x, scalars[AT_SHRINK]), __fmul_rn(__fdiv_rn(first, spread), scalars[AT_STEP_SIZE]));
}
