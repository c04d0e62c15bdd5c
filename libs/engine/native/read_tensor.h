#ifndef CAPTRAIN_READ_TENSOR_H_
#define CAPTRAIN_READ_TENSOR_H_

namespace captrain {

// Makes the op CaptrainReadTensor known to TensorFlow: values of a file as a float32 tensor. Called once per process.
void register_read_tensor();

}  // namespace captrain

#endif  // CAPTRAIN_READ_TENSOR_H_
