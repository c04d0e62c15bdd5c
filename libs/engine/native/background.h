// Work on libuv's threads, of which JavaScript sees a promise.

#ifndef CAPTRAIN_BACKGROUND_H_
#define CAPTRAIN_BACKGROUND_H_

#include <memory>
#include <string>

#include "js.h"

namespace captrain {

// One piece of work: `run` is called on a thread of the pool, and touches no JavaScript; `result` afterwards on
// JavaScript's thread. What `run` throws rejects the promise.
class Background {
 public:
  virtual ~Background() = default;
  virtual void run() = 0;
  virtual napi_value result(napi_env env) = 0;

  // Queues the work; gives the promise. `kept` stays alive until it is done: whatever owns the memory that it uses.
  static napi_value start(napi_env env, std::unique_ptr<Background> background, napi_value kept);

 private:
  static void execute(napi_env env, void* data);
  static void complete(napi_env env, napi_status status, void* data);
  void settle(napi_env env, napi_status status);

  napi_async_work work_ = nullptr;
  napi_deferred deferred_ = nullptr;
  napi_ref kept_ = nullptr;
  std::string error_;
};

}  // namespace captrain

#endif  // CAPTRAIN_BACKGROUND_H_
