// What has to be done before TensorFlow is loaded: so this addon links to nothing.

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "js.h"

namespace captrain {
namespace {

// muteStderr(): sends file descriptor 2 to nowhere, and returns the number under which `restoreStderr` finds it again.
// TensorFlow logs while its libraries are being loaded, before anything can set a level.
napi_value mute_stderr(napi_env env, const std::vector<napi_value>&) {
  const int kept = fcntl(2, F_DUPFD_CLOEXEC, 3);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (kept < 0 || nowhere < 0 || dup2(nowhere, 2) < 0) throw BadArgument("stderr cannot be redirected");
  close(nowhere);
  return from_double(env, kept);
}

napi_value restore_stderr(napi_env env, const std::vector<napi_value>& arguments) {
  const int kept = static_cast<int>(to_int(env, arguments.at(0)));
  if (dup2(kept, 2) < 0) throw BadArgument("stderr cannot be restored");
  close(kept);
  return nullptr;
}

// cudaStatus(): {driver, error, devices} as NVIDIA's driver library tells them; `error` is CUDA's number, 0 for success.
napi_value cuda_status(napi_env env, const std::vector<napi_value>&) {
  using Init = int (*)(unsigned int);
  using GetCount = int (*)(int*);
  void* library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  int error = 0;
  int devices = 0;
  if (library != nullptr) {
    const auto init = reinterpret_cast<Init>(dlsym(library, "cuInit"));
    const auto get_count = reinterpret_cast<GetCount>(dlsym(library, "cuDeviceGetCount"));
    error = init == nullptr || get_count == nullptr ? -1 : init(0);
    if (error == 0) error = get_count(&devices);
  }
  const napi_value result = object(env);
  set(env, result, "driver", from_bool(env, library != nullptr));
  set(env, result, "error", from_double(env, error));
  set(env, result, "devices", from_double(env, devices));
  return result;
}

// shieldFromSignals(): from now on no signal's handler runs on this thread, nor on threads that it starts: a thread
// made here takes them all. oneDNN's generated matrix product (AVX-512, float32) uses its stack pointer for other things
// while it runs, and the frame that the kernel then pushes for a handler overwrites the heap. Seen with TensorFlow 2.21:
// a resized terminal or Ctrl-C, even with a handler that does nothing, ended in "corrupted size vs. prev_size".
napi_value shield_from_signals(napi_env, const std::vector<napi_value>&) {
  static bool shielded = false;
  if (shielded) return nullptr;
  shielded = true;
  std::thread([] {
    while (true) pause();
  }).detach();
  sigset_t signals;
  sigfillset(&signals);
  // These are raised by a thread's own instructions, and belong to it.
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&signals, own);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return nullptr;
}

}  // namespace
}  // namespace captrain

NAPI_MODULE_INIT() {
  using namespace captrain;
  add_method<mute_stderr>(env, exports, "muteStderr");
  add_method<restore_stderr>(env, exports, "restoreStderr");
  add_method<cuda_status>(env, exports, "cudaStatus");
  add_method<shield_from_signals>(env, exports, "shieldFromSignals");
  return exports;
}
