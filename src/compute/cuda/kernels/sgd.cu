// Gradient descent with momentum for one number, in the order of 32-bit operations of `learn/optim/rule.rs`.
constexpr bool HAS_FIRST = CARRIES, HAS_SECOND = false;
FUNCTION float moved(float x, float g, float& first, float&, bool begins, const float* scalars) {
  if (DECAYS) g = __fadd_rn(g, __fmul_rn(x, (float)DECAY));
  float along = g;
  if (CARRIES) {
    first = begins ? g : __fadd_rn(__fmul_rn(first, (float)MOMENTUM), g);
    along = NESTEROV ? __fadd_rn(g, __fmul_rn(first, (float)MOMENTUM)) : first;
  }
  return __fsub_rn(x, __fmul_rn(along, scalars[AT_RATE]));
}
