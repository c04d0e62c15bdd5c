#include "thread_pool.h"

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace captrain {
namespace {

// A step is a thousand short kernels, one after another: a thread that has just worked looks out for more before it
// sleeps, because waking it takes longer than many of them.
constexpr std::chrono::microseconds kLookOut(100);

struct Job {
  const std::function<void(int64_t)>& work;
  int64_t count;
  std::atomic<int64_t> next{0};
  std::atomic<int> users{0};  // changed under the pool's mutex

  void take_tasks() {
    for (int64_t task = next++; task < count; task = next++) work(task);
  }
};

// Flushes subnormal values to zero in its scope.
class FlushSubnormals {
 public:
  FlushSubnormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
  ~FlushSubnormals() { _mm_setcsr(before_); }

 private:
  unsigned before_;
};

class ThreadPool {
 public:
  explicit ThreadPool(int64_t threads) {
    for (int64_t i = 1; i < threads; ++i) std::thread([this] { serve(); }).detach();
  }

  void run(Job& job) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      // Two ops of a graph may run at once: the second does its work alone.
      if (job_ == nullptr) {
        job_ = &job;
        open_.store(&job, std::memory_order_release);
        wake_.notify_all();
      }
    }
    job.take_tasks();
    {
      std::unique_lock<std::mutex> lock(mutex_);
      if (job_ != &job) return;
      job_ = nullptr;
      open_.store(nullptr, std::memory_order_release);
    }
    const auto until = std::chrono::steady_clock::now() + kLookOut;
    while (job.users.load(std::memory_order_acquire) != 0 && std::chrono::steady_clock::now() < until) _mm_pause();
    std::unique_lock<std::mutex> lock(mutex_);
    left_.wait(lock, [&] { return job.users == 0; });
  }

 private:
  void serve() {
    const FlushSubnormals flush;
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      if (job_ != nullptr && job_->next.load(std::memory_order_relaxed) < job_->count) {
        Job* job = job_;
        ++job->users;
        lock.unlock();
        job->take_tasks();
        lock.lock();
        if (--job->users == 0) left_.notify_all();
        continue;
      }
      lock.unlock();
      look_out();
      lock.lock();
      const auto has_tasks = [this] {
        return job_ != nullptr && job_->next.load(std::memory_order_relaxed) < job_->count;
      };
      wake_.wait(lock, has_tasks);
    }
  }

  // Returns when there is a new job, or none came for a while. (A job that has no tasks left counts as none: it goes
  // away in a moment.)
  void look_out() const {
    const Job* old = open_.load(std::memory_order_acquire);
    const auto until = std::chrono::steady_clock::now() + kLookOut;
    do {
      const Job* now = open_.load(std::memory_order_acquire);
      if (now != nullptr && now != old) return;
      if (now == nullptr) old = nullptr;
      for (int i = 0; i < 16; ++i) _mm_pause();
    } while (std::chrono::steady_clock::now() < until);
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable left_;
  Job* job_ = nullptr;  // guarded by mutex_
  std::atomic<const Job*> open_{nullptr};
};

ThreadPool& pool() {
  // Never destroyed: its threads run until the process ends.
  static auto* threads = new ThreadPool(kernel_threads());
  return *threads;
}

}  // namespace

int64_t kernel_threads() {
  static const int64_t threads = [] {
    const char* set = std::getenv("TF_NUM_INTRAOP_THREADS");
    const int64_t asked = set == nullptr ? 0 : std::atoll(set);
    return asked > 0 ? asked : std::max<int64_t>(1, std::thread::hardware_concurrency());
  }();
  return threads;
}

void parallel_for(int64_t count, const std::function<void(int64_t)>& work) {
  const FlushSubnormals flush;
  if (count <= 1 || kernel_threads() == 1) {
    for (int64_t task = 0; task < count; ++task) work(task);
    return;
  }
  Job job{work, count};
  pool().run(job);
}

}  // namespace captrain
