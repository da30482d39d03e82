#include "cli/interrupt.hpp"

#include <pthread.h>

namespace linnet::cli {
namespace {

sigset_t only_sigint() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

Interrupt::Interrupt() {
  struct sigaction current {};
  if (::sigaction(SIGINT, nullptr, &current) != 0 || current.sa_handler == SIG_IGN) return;
  const sigset_t set = only_sigint();
  ::pthread_sigmask(SIG_BLOCK, &set, &previous_);
  listener_ = std::thread([this] { listen(); });
}

Interrupt::~Interrupt() {
  if (!listener_.joinable()) return;
  done_ = true;
  ::pthread_kill(listener_.native_handle(), SIGINT);
  listener_.join();
  ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

void Interrupt::listen() {
  const sigset_t set = only_sigint();
  while (true) {
    int signal = 0;
    if (::sigwait(&set, &signal) != 0 || done_) return;
    if (source_.request_stop()) continue;
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    ::raise(SIGINT);  // the default action ends the process
  }
}

}  // namespace linnet::cli
