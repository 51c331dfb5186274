// decay * average + (1 - decay) * now, rounded as on the processor; at first the average is what it is of.
FUNCTION float averaged(float average, float now, bool first) {
  return first ? now : __fadd_rn(__fmul_rn(average, (float)AVERAGE_DECAY), __fmul_rn(now, (float)AVERAGE_SHARE));
}
