#ifndef CAPTRAIN_SUMS_MAPPING_H_
#define CAPTRAIN_SUMS_MAPPING_H_

#include <cstddef>
#include <cstdint>

namespace captrain {

// A file in memory alone (memfd_create), mapped into this process. It has no name that could stay behind: it lasts as
// long as somebody has it open or mapped. Its size is sealed, so that no access can meet a missing page.
class Mapping {
 public:
  // Makes one of zeros, and keeps its descriptor open.
  static Mapping create(size_t bytes);
  // Maps one that another process, or this one, has open under this descriptor. Throws std::runtime_error with the
  // reason.
  static Mapping open(int64_t process, int64_t descriptor, size_t bytes);

  Mapping(Mapping&& other) noexcept;
  ~Mapping() { close(); }
  Mapping(const Mapping&) = delete;

  void* address() const { return address_; }
  size_t bytes() const { return bytes_; }
  int descriptor() const { return descriptor_; }
  // Unmaps, and closes the descriptor; a second time it does nothing.
  void close() noexcept;

 private:
  Mapping(void* address, size_t bytes, int descriptor) : address_(address), bytes_(bytes), descriptor_(descriptor) {}

  void* address_;
  size_t bytes_;
  int descriptor_;  // −1: of another
};

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_MAPPING_H_
