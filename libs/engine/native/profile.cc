// What TensorFlow's threads did and when, from the recorder that TensorFlow's own profiler stands on.
//
// The profiler itself (tsl::ProfilerSession) speaks protocol buffers, whose headers the wheel does not carry. The
// recorder under it needs none: every op kernel, eager or a node of a function, leaves "name:op" and two times there.

#include "profile.h"

#include <ctime>
#include <deque>
#include <unordered_map>

// The recorder's header includes TensorFlow's types, which want Eigen's headers, and uses none of them.
#define XLA_TSL_PLATFORM_TYPES_H_
#include "xla/tsl/profiler/backends/cpu/traceme_recorder.h"

namespace captrain {
namespace {

using tsl::profiler::TraceMeRecorder;

// tsl::profiler::TraceMeLevel::kVerbose: cheap ops as well as those that TensorFlow takes for expensive.
constexpr int kEveryOp = 3;

int64_t started_ns = 0;

// The recorder's clock: nanoseconds since 1970.
int64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

double microseconds(int64_t ns) { return static_cast<double>(ns) / 1e3; }

// An event that ended where it began: most events do. Those in two halves (asynchronous ops) are paired by their number.
using Halves = std::unordered_map<int64_t, TraceMeRecorder::Event>;

// Makes whole events of halves; a half whose other is missing was under way at the start or the end, and is dropped.
void join_halves(TraceMeRecorder::Events& threads) {
  Halves begun;
  for (auto& [thread, events] : threads) {
    for (auto& event : events) {
      if (event.IsStart()) begun[event.ActivityId()] = event;
    }
  }
  for (auto& [thread, events] : threads) {
    std::deque<TraceMeRecorder::Event> whole;
    for (auto& event : events) {
      if (event.IsComplete()) {
        whole.push_back(std::move(event));
      } else if (event.IsEnd()) {
        const auto start = begun.find(event.ActivityId());
        if (start == begun.end()) continue;
        whole.push_back({std::move(start->second.name), start->second.start_time, event.end_time});
        begun.erase(start);
      }
    }
    events = std::move(whole);
  }
}

}  // namespace

napi_value start_profile(napi_env, const std::vector<napi_value>&) {
  if (!TraceMeRecorder::Start(kEveryOp)) throw BadArgument("TensorFlow is being profiled already");
  started_ns = now_ns();
  return nullptr;
}

napi_value stop_profile(napi_env env, const std::vector<napi_value>&) {
  TraceMeRecorder::Events threads = TraceMeRecorder::Stop();
  join_halves(threads);
  const napi_value result = array(env);
  for (const auto& [info, events] : threads) {
    if (events.empty()) continue;
    const napi_value thread = object(env);
    const napi_value names = array(env);
    const napi_value starts = array(env);
    const napi_value durations = array(env);
    for (const auto& event : events) {
      push(env, names, from_string(env, event.name));
      push(env, starts, from_double(env, microseconds(event.start_time - started_ns)));
      push(env, durations, from_double(env, microseconds(event.end_time - event.start_time)));
    }
    set(env, thread, "id", from_double(env, static_cast<double>(info.tid)));
    set(env, thread, "name", from_string(env, info.name));
    set(env, thread, "names", names);
    set(env, thread, "startUs", starts);
    set(env, thread, "durationUs", durations);
    push(env, result, thread);
  }
  return result;
}

}  // namespace captrain
