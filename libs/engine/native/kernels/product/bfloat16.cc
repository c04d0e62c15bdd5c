#include <immintrin.h>

#include "multiply.h"
#include "pack.h"

namespace captrain {
namespace {

// Two depths of a line: the first in the low half.
struct Pairs {
  static constexpr int64_t kDepths = 2;

  static __m512i of_line(const float* line) { return rounded(_mm512_loadu_ps(line), _mm512_loadu_ps(line + 16)); }

  static __m512i of_depths(const float* in, int64_t stride, __mmask16 lines, int64_t depth) {
    const __m512 second = depth > 1 ? _mm512_maskz_loadu_ps(lines, in + stride) : _mm512_setzero_ps();
    const __m512i interleaved = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22,
                                                 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(interleaved, rounded(_mm512_maskz_loadu_ps(lines, in), second));
  }

  static __m512 multiply_add(__m512i left, __m512i right, __m512 sum) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(left), reinterpret_cast<__m512bh>(right));
  }

 private:
  static __m512i rounded(__m512 low, __m512 high) { return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)); }
};

}  // namespace

const Format kBfloat16 = {Pairs::kDepths, Packing<Pairs>::pack_lines, Packing<Pairs>::pack_depths,
                          Multiplication<Pairs>::multiply};

}  // namespace captrain
