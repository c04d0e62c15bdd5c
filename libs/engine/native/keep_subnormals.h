#ifndef CAPTRAIN_KEEP_SUBNORMALS_H_
#define CAPTRAIN_KEEP_SUBNORMALS_H_

#include <immintrin.h>

namespace captrain {

// Sees to it that arithmetic keeps subnormal values in its scope, whatever the thread does elsewhere. Sums of gradients
// do, wherever they are computed: a sum's bits must not depend on the place.
class KeepSubnormals {
 public:
  KeepSubnormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ & ~0x8040u); }
  ~KeepSubnormals() { _mm_setcsr(before_); }
  KeepSubnormals(const KeepSubnormals&) = delete;
  KeepSubnormals& operator=(const KeepSubnormals&) = delete;

 private:
  unsigned before_;
};

}  // namespace captrain

#endif  // CAPTRAIN_KEEP_SUBNORMALS_H_
