#include "activation.h"

#include "transcendental.h"

namespace captrain {
namespace CAPTRAIN_ISA {
namespace {

struct Relu {
  static Floats value(Floats x) { return x < 0.0f ? Floats{} : x; }
  static Floats gradient(Floats dy, Floats x) { return x > 0.0f ? dy : Floats{}; }
};

struct Tanh {
  static Floats value(Floats x) { return tanh_of(x); }
  static Floats gradient(Floats dy, Floats x) {
    const Floats y = tanh_of(x);
    return dy * (1.0f - y * y);
  }
};

struct Sigmoid {
  static Floats value(Floats x) { return logistic(x); }
  static Floats gradient(Floats dy, Floats x) {
    const Floats e = exp_of_negative(negative_of_size(x));
    return dy * e / ((1.0f + e) * (1.0f + e));
  }
};

struct Gelu {
  static Floats cumulative(Floats x) { return 0.5f + 0.5f * erf_of(x * 0.707106781186547524f); }
  static Floats value(Floats x) { return x * cumulative(x); }
  static Floats gradient(Floats dy, Floats x) {
    const Floats density = exp_of_negative(x * x * -0.5f) * 0.398942280401432678f;
    return dy * (cumulative(x) + x * density);
  }
};

// x · σ(z(x)). With tanh u = 2 σ(2u) − 1, GPT-2's gelu is one of them.
template <typename Inner>
struct Gated {
  static Floats value(Floats x) { return x * logistic(Inner::value(x)); }
  static Floats gradient(Floats dy, Floats x) {
    const Floats z = Inner::value(x);
    const Floats e = exp_of_negative(negative_of_size(z));
    const Floats inverse = 1.0f / (1.0f + e);
    const Floats gate = (z >= 0.0f ? all(1.0f) : e) * inverse;
    const Floats bend = e * inverse * inverse;
    return dy * (gate + x * Inner::slope(x) * bend);
  }
};

constexpr float kTwiceScale = 1.59576912160573071f;  // 2 · √(2/π)
constexpr float kCubic = 0.044715f;

struct GeluNew {
  static Floats value(Floats x) { return x * (kTwiceScale + kTwiceScale * kCubic * (x * x)); }
  static Floats slope(Floats x) { return kTwiceScale + 3 * kTwiceScale * kCubic * (x * x); }
};
struct QuickGelu {
  static Floats value(Floats x) { return 1.702f * x; }
  static Floats slope(Floats) { return all(1.702f); }
};
struct Silu {
  static Floats value(Floats x) { return x; }
  static Floats slope(Floats) { return all(1.0f); }
};

template <typename Function>
void map(const float* x, int64_t count, float* y) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, Function::value(load(x + i)));
  if (i < count) store_part(y + i, Function::value(load_part(x + i, count - i)), count - i);
}

template <typename Function>
void map_gradient(const float* dy, const float* x, int64_t count, float* dx) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(dx + i, Function::gradient(load(dy + i), load(x + i)));
  if (i == count) return;
  const Floats part = Function::gradient(load_part(dy + i, count - i), load_part(x + i, count - i));
  store_part(dx + i, part, count - i);
}

// Calls act(Function()) with the function of this kind.
template <typename Act>
void with_function(Activation kind, Act act) {
  switch (kind) {
    case Activation::relu: return act(Relu());
    case Activation::tanh: return act(Tanh());
    case Activation::sigmoid: return act(Sigmoid());
    case Activation::gelu: return act(Gelu());
    case Activation::gelu_new: return act(Gated<GeluNew>());
    case Activation::quick_gelu: return act(Gated<QuickGelu>());
    case Activation::silu: return act(Gated<Silu>());
  }
}

}  // namespace

void activation(Activation kind, const float* x, int64_t count, float* y) {
  with_function(kind, [&](auto function) { map<decltype(function)>(x, count, y); });
}

void activation_gradient(Activation kind, const float* dy, const float* x, int64_t count, float* dx) {
  with_function(kind, [&](auto function) { map_gradient<decltype(function)>(dy, x, count, dx); });
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain
