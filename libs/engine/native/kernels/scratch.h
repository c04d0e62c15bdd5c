#ifndef CAPTRAIN_KERNELS_SCRATCH_H_
#define CAPTRAIN_KERNELS_SCRATCH_H_

#include <cstddef>
#include <cstdint>

namespace captrain {

// Memory for intermediate values, kept for the next op that asks: fresh memory costs a page fault every 4 KiB, as much
// time as filling it. Undefined contents, aligned to 64 bytes. Several may be held at once; those that come back beyond
// one for each thread and two more, the smallest first, go back to the system.
class Scratch {
 public:
  explicit Scratch(size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  uint32_t* words() const { return static_cast<uint32_t*>(memory_); }

 private:
  void* memory_;
  size_t bytes_;
};

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_SCRATCH_H_
