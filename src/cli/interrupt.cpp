#include "cli/interrupt.hpp"

#include <pthread.h>

namespace linnet::cli {

Interrupt::Interrupt(StopSignals signals) {
  ::sigemptyset(&signals_);
  const auto add = [&](int signal) {
    struct sigaction current {};
    if (::sigaction(signal, nullptr, &current) != 0 || current.sa_handler == SIG_IGN) return;
    ::sigaddset(&signals_, signal);
    any_signal_ = signal;
  };
  add(SIGINT);
  if (signals == StopSignals::interrupt_or_terminate) add(SIGTERM);
  if (any_signal_ == 0) return;
  ::pthread_sigmask(SIG_BLOCK, &signals_, &previous_);
  listener_ = std::thread([this] { listen(); });
}

Interrupt::~Interrupt() {
  if (!listener_.joinable()) return;
  done_ = true;
  ::pthread_kill(listener_.native_handle(), any_signal_);
  listener_.join();
  ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

void Interrupt::listen() {
  while (true) {
    int signal = 0;
    if (::sigwait(&signals_, &signal) != 0 || done_) return;
    if (source_.request_stop()) continue;
    ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
    ::raise(signal);  // the default action ends the process
  }
}

}  // namespace linnet::cli
