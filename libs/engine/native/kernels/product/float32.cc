#include <immintrin.h>

#include "multiply.h"
#include "pack.h"

namespace captrain {
namespace {

struct Floats {
  static constexpr int64_t kDepths = 1;

  static __m512i of_line(const float* line) { return _mm512_loadu_si512(line); }

  static __m512i of_depths(const float* in, int64_t, __mmask16 lines, int64_t) {
    return _mm512_maskz_loadu_epi32(lines, in);
  }

  static __m512 multiply_add(__m512i left, __m512i right, __m512 sum) {
    return _mm512_fmadd_ps(_mm512_castsi512_ps(left), _mm512_castsi512_ps(right), sum);
  }
};

}  // namespace

const Format kFloat32 = {Floats::kDepths, Packing<Floats>::pack_lines, Packing<Floats>::pack_depths,
                         Multiplication<Floats>::multiply};

}  // namespace captrain
