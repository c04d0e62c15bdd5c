#ifndef CAPTRAIN_STATUS_H_
#define CAPTRAIN_STATUS_H_

#include "js.h"
#include "tensorflow/c/c_api.h"

namespace captrain {

// A TensorFlow status that throws what went wrong.
class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  Status(const Status&) = delete;
  operator TF_Status*() { return status_; }
  void check() {
    if (TF_GetCode(status_) != TF_OK) throw BadArgument(TF_Message(status_));
  }

 private:
  TF_Status* status_;
};

}  // namespace captrain

#endif  // CAPTRAIN_STATUS_H_
