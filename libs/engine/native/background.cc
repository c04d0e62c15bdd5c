#include "background.h"

namespace captrain {

napi_value Background::start(napi_env env, std::unique_ptr<Background> background, napi_value kept) {
  napi_value promise;
  ok(napi_create_promise(env, &background->deferred_, &promise), "a promise");
  ok(napi_create_reference(env, kept, 1, &background->kept_), "an object to keep");
  const napi_value name = from_string(env, "captrain");
  ok(napi_create_async_work(env, nullptr, name, execute, complete, background.get(), &background->work_), "a thread");
  ok(napi_queue_async_work(env, background->work_), "a thread");
  background.release();  // complete() deletes it
  return promise;
}

void Background::execute(napi_env, void* data) {
  auto* background = static_cast<Background*>(data);
  try {
    background->run();
  } catch (const std::exception& error) {
    background->error_ = error.what();
  }
}

void Background::complete(napi_env env, napi_status status, void* data) {
  const std::unique_ptr<Background> background(static_cast<Background*>(data));
  try {
    background->settle(env, status);
  } catch (const std::exception&) {
    // The thread of JavaScript is ending: nobody waits for the promise any more.
  }
  napi_delete_reference(env, background->kept_);
  napi_delete_async_work(env, background->work_);
}

void Background::settle(napi_env env, napi_status status) {
  if (status != napi_ok && error_.empty()) error_ = "cancelled, because the thread ends";
  if (error_.empty()) {
    ok(napi_resolve_deferred(env, deferred_, result(env)), "a promise");
    return;
  }
  napi_value error;
  ok(napi_create_error(env, nullptr, from_string(env, error_), &error), "an error");
  ok(napi_reject_deferred(env, deferred_, error), "a promise");
}

}  // namespace captrain
