#ifndef CAPTRAIN_KERNELS_REGISTER_H_
#define CAPTRAIN_KERNELS_REGISTER_H_

namespace captrain {

void register_accumulate();
void register_activation();
void register_add_rows();
void register_adamw();
void register_attention();
void register_copy_out();
void register_cross_entropy();
void register_dropout();
void register_hold();
void register_layer_norm();
void register_matmul();
void register_row_sum();

// All ops of our own that compute. Throws where TensorFlow refuses one.
void register_kernels();

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_REGISTER_H_
