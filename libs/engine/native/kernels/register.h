#ifndef CAPTRAIN_KERNELS_REGISTER_H_
#define CAPTRAIN_KERNELS_REGISTER_H_

namespace captrain {

void register_attention();
void register_layer_norm();

// All ops of our own that compute. Throws where TensorFlow refuses one.
void register_kernels();

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_REGISTER_H_
