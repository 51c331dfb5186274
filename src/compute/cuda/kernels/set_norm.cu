// Norms over sets of numbers of one image: a group of channels of a map, or the channels of a pixel. Set `s` has
// SET_PIXELS pixels from pixel s / GROUPS * SET_PIXELS on and SET_CHANNELS channels from s % GROUPS * SET_CHANNELS on. Its
// numbers are its mean and 1 / sqrt(variance + epsilon).
FUNCTION int set_of(int pixel, int c) { return pixel / SET_PIXELS * GROUPS + (c < C ? c / SET_CHANNELS : 0); }
FUNCTION float factor_of(const float* weight, int c) { return AFFINE ? weight[c] : 1.f; }
