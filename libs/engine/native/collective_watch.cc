// Ends collective ops that wait too long for other processes.
//
// TensorFlow can do that by itself (the op's timeout_seconds), but starts two threads for every op that only sleep until
// that time is over: a few thousand small sums within it, and no more threads can be started, which ends the process.

#include "collective_watch.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "captured_context.h"
#include "status.h"
#include "tensorflow/c/c_api_experimental.h"

namespace captrain {
namespace {

using Clock = std::chrono::steady_clock;

class Watch {
 public:
  Watch() { std::thread(&Watch::run, this).detach(); }

  void set(double seconds) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto span = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    deadline_ = seconds > 0 ? Clock::now() + span : Clock::time_point::max();
    changed_.notify_one();
  }

 private:
  void run() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      if (deadline_ == Clock::time_point::max()) {
        changed_.wait(lock);
      } else if (Clock::now() < deadline_) {
        changed_.wait_until(lock, deadline_);
      } else {
        deadline_ = Clock::time_point::max();
        lock.unlock();
        abort();
        lock.lock();
      }
    }
  }

  static void abort() {
    Status status;
    TF_SetStatus(status, TF_DEADLINE_EXCEEDED, "the other processes did not take part in time");
    TFE_AbortCollectiveOps(captrain_captured_context(), status);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Clock::time_point deadline_ = Clock::time_point::max();
};

}  // namespace

napi_value watch_collective(napi_env env, const std::vector<napi_value>& arguments) {
  // Never destroyed: its thread waits until the process ends.
  static Watch* const watch = new Watch;
  watch->set(to_double(env, arguments.at(0)));
  return nullptr;
}

}  // namespace captrain
