// Signals of an interactive command: Ctrl-C stops what is being done, not the program.
#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace linnet::cli {

/// While it lives, SIGINT stops the work that was begun (a second one, before that has taken
/// effect, ends the process), or is an event for who waits for input; a terminal's new size
/// (SIGWINCH) is an event too. SIGTERM and SIGHUP end the process after `before_death` has run.
/// Signals that the process was started to ignore (nohup) stay ignored.
///
/// How: as Interrupt (cli/interrupt.hpp). The signals are blocked in this thread and in all that it
/// starts from then on, and one thread waits for them, so nothing is done in a signal handler. Make
/// it before the threads of a model, and only one.
class ChatSignals {
 public:
  enum class Event { none, interrupt, resize };

  /// `before_death` is called on a thread of its own, and must be quick. Errors: device.
  explicit ChatSignals(std::function<void()> before_death);
  ~ChatSignals();
  ChatSignals(const ChatSignals&) = delete;
  ChatSignals& operator=(const ChatSignals&) = delete;

  /// From now on SIGINT requests a stop of this token.
  std::stop_token begin_work();
  /// From now on SIGINT is an event; one that came too late for the work is forgotten.
  void end_work();

  /// A descriptor that can be read when there is an event; for poll() only.
  [[nodiscard]] int event_descriptor() const noexcept { return events_[0]; }
  /// The next event, without waiting.
  Event take_event();

 private:
  void listen();
  /// Whether the process goes on.
  bool handle_interrupt();
  void post(Event event) const;
  void die(int signal) const;

  std::function<void()> before_death_;
  sigset_t set_{};
  sigset_t previous_{};
  int events_[2] = {-1, -1};
  std::mutex mutex_;
  bool working_ = false;
  std::stop_source work_;
  std::atomic<bool> done_{false};
  std::thread listener_;
};

}  // namespace linnet::cli
