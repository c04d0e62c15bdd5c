#include "scratch.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "thread_pool.h"

namespace captrain {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

// As many as the threads hold at once, and those that they share.
size_t most_kept() { return static_cast<size_t>(kernel_threads()) + 2; }

struct Piece {
  size_t bytes;
  void* memory;
};

struct Kept {
  std::mutex mutex;
  std::vector<Piece> pieces;  // smallest first
};

Kept& kept() {
  // Never destroyed: ops may still run while the process ends.
  static auto* all = new Kept;
  return *all;
}

void* allocate(size_t bytes) {
  void* memory = std::aligned_alloc(kHugePage, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  // Packing writes to many places far apart; small pages would need more of the processor's address cache than it has.
  madvise(memory, bytes, MADV_HUGEPAGE);
  return memory;
}

}  // namespace

Scratch::Scratch(size_t bytes) {
  bytes = (std::max<size_t>(bytes, 1) + kHugePage - 1) / kHugePage * kHugePage;
  {
    const std::lock_guard<std::mutex> lock(kept().mutex);
    auto& pieces = kept().pieces;
    for (auto piece = pieces.begin(); piece != pieces.end(); ++piece) {
      if (piece->bytes < bytes) continue;
      memory_ = piece->memory;
      bytes_ = piece->bytes;
      pieces.erase(piece);
      return;
    }
  }
  memory_ = allocate(bytes);
  bytes_ = bytes;
}

Scratch::~Scratch() {
  const std::lock_guard<std::mutex> lock(kept().mutex);
  auto& pieces = kept().pieces;
  const auto larger = [this](const Piece& piece) { return piece.bytes >= bytes_; };
  pieces.insert(std::find_if(pieces.begin(), pieces.end(), larger), Piece{bytes_, memory_});
  if (pieces.size() <= most_kept()) return;
  std::free(pieces.front().memory);
  pieces.erase(pieces.begin());
}

}  // namespace captrain
