#include "layer_norm.h"

#include "columns.h"
#include "vector.h"

namespace captrain {
namespace CAPTRAIN_ISA {

void layer_norm(const float* x, const float* gain, const float* bias, float epsilon, int64_t rows, int64_t width,
                float* y, float* mean, float* rstd) {
  const float scale = 1.0f / static_cast<float>(width);
  for (int64_t row = 0; row < rows; ++row) {
    const float* in = x + row * width;
    float* out = y + row * width;
    Floats sum = {};
    each_vector(width, [&](int64_t i, int64_t lanes) CAPTRAIN_INLINE { sum += load_part(in + i, lanes); });
    const float middle = sum_of_lanes(sum) * scale;
    Floats squares = {};
    each_vector(width, [&](int64_t i, int64_t lanes) CAPTRAIN_INLINE {
      // Lanes beyond the end are the mean itself, and add 0.
      const Floats centred = load_part(in + i, lanes, middle) - middle;
      squares += centred * centred;
    });
    const float inverse = 1.0f / __builtin_sqrtf(sum_of_lanes(squares) * scale + epsilon);
    each_vector(width, [&](int64_t i, int64_t lanes) CAPTRAIN_INLINE {
      const Floats normal = (load_part(in + i, lanes) - middle) * inverse;
      store_part(out + i, normal * load_part(gain + i, lanes) + load_part(bias + i, lanes), lanes);
    });
    mean[row] = middle;
    rstd[row] = inverse;
  }
}

void layer_norm_gradient(const float* dy, const float* x, const float* gain, const float* mean, const float* rstd,
                         int64_t rows, int64_t width, float* dx) {
  const float scale = 1.0f / static_cast<float>(width);
  for (int64_t row = 0; row < rows; ++row) {
    const float* in = x + row * width;
    const float* up = dy + row * width;
    float* out = dx + row * width;
    const float middle = mean[row];
    const float inverse = rstd[row];
    Floats sum = {};
    Floats along = {};
    each_vector(width, [&](int64_t i, int64_t lanes) CAPTRAIN_INLINE {
      const Floats slope = load_part(up + i, lanes) * load_part(gain + i, lanes);
      sum += slope;
      along += slope * ((load_part(in + i, lanes) - middle) * inverse);
    });
    const float average = sum_of_lanes(sum) * scale;
    const float projection = sum_of_lanes(along) * scale;
    each_vector(width, [&](int64_t i, int64_t lanes) CAPTRAIN_INLINE {
      const Floats slope = load_part(up + i, lanes) * load_part(gain + i, lanes);
      const Floats normal = (load_part(in + i, lanes) - middle) * inverse;
      store_part(out + i, (slope - average - normal * projection) * inverse, lanes);
    });
  }
}

void layer_norm_gain_gradient(const float* dy, const float* x, const float* mean, const float* rstd, int64_t rows,
                              int64_t width, float* dgain) {
  column_sums(rows, width, dgain, [&](int64_t row, int64_t i, int64_t lanes) CAPTRAIN_INLINE {
    const int64_t at = row * width + i;
    return load_part(dy + at, lanes) * ((load_part(x + at, lanes) - mean[row]) * rstd[row]);
  });
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain
