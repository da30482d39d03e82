// Ctrl-C as a stop token.
#pragma once

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>

namespace linnet::cli {

/// What requests a stop.
enum class StopSignals {
  interrupt,               ///< SIGINT
  interrupt_or_terminate,  ///< SIGTERM too: for work that is worth saving when a batch system ends
                           ///< it
};

/// While it lives, the first signal requests a stop, and the second ends the process as it does by
/// default. A signal that the process was started to ignore (nohup) stays ignored.
///
/// How: the signals are blocked in this thread and in all that it starts from then on, and one
/// thread waits for it; a signal handler could not request a stop, because that takes a lock. So
/// make it before the threads of a model, and in one place at a time.
class Interrupt {
 public:
  explicit Interrupt(StopSignals signals = StopSignals::interrupt);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }
  [[nodiscard]] bool requested() const noexcept { return source_.stop_requested(); }

 private:
  void listen();

  std::stop_source source_;
  std::atomic<bool> done_{false};
  int any_signal_ = 0;  // of them; 0: all are ignored
  sigset_t signals_{};
  sigset_t previous_{};
  std::thread listener_;
};

}  // namespace linnet::cli
