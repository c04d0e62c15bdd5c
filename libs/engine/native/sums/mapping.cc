#include "mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace captrain {
namespace {

constexpr char kName[] = "captrain";
// Where the name of such a file is shown by /proc.
constexpr char kLink[] = "/memfd:captrain";

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error(what + ": " + std::strerror(error));
}

// A descriptor that is closed unless somebody takes it.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  int get() const { return number_; }
  int take() {
    const int number = number_;
    number_ = -1;
    return number;
  }

 private:
  int number_;
};

void* map(const Descriptor& file, size_t bytes, const std::string& what) {
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (address == MAP_FAILED) fail(what, errno);
  return address;
}

}  // namespace

Mapping Mapping::create(size_t bytes) {
  const std::string what = "no shared memory of " + std::to_string(bytes) + " bytes";
  Descriptor file(memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file.get() < 0) fail(what, errno);
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) fail(what, errno);
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) fail(what, errno);
  void* address = map(file, bytes, what);
  return Mapping(address, bytes, file.take());
}

Mapping Mapping::open(int64_t process, int64_t descriptor, size_t bytes) {
  const std::string what =
      "no shared memory under descriptor " + std::to_string(descriptor) + " of process " + std::to_string(process);
  const std::string path = "/proc/" + std::to_string(process) + "/fd/" + std::to_string(descriptor);
  char link[sizeof kLink] = {};
  if (readlink(path.c_str(), link, sizeof kLink - 1) < 0) fail(what, errno);
  if (std::strcmp(link, kLink) != 0) throw std::runtime_error(what + ": it is another file");
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (file.get() < 0) fail(what, errno);
  struct stat status;
  if (fstat(file.get(), &status) != 0) fail(what, errno);
  if (static_cast<size_t>(status.st_size) < bytes) {
    const std::string has = std::to_string(status.st_size);
    throw std::runtime_error(what + ": it has " + has + " bytes, not " + std::to_string(bytes));
  }
  return Mapping(map(file, bytes, what), bytes, -1);
}

Mapping::Mapping(Mapping&& other) noexcept
    : address_(other.address_), bytes_(other.bytes_), descriptor_(other.descriptor_) {
  other.address_ = nullptr;
  other.descriptor_ = -1;
}

void Mapping::close() noexcept {
  if (address_ != nullptr) munmap(address_, bytes_);
  if (descriptor_ >= 0) ::close(descriptor_);
  address_ = nullptr;
  descriptor_ = -1;
}

}  // namespace captrain
