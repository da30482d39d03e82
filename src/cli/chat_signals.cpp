#include "cli/chat_signals.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace linnet::cli {

ChatSignals::ChatSignals(std::function<void()> before_death)
    : before_death_(std::move(before_death)) {
  if (::pipe(events_) != 0)
    fail(ErrorCode::device, "cannot make a pipe: {}", std::generic_category().message(errno));
  for (const int end : events_) {
    ::fcntl(end, F_SETFD, FD_CLOEXEC);
    ::fcntl(end, F_SETFL, O_NONBLOCK);
  }
  ::sigemptyset(&set_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) {
    struct sigaction current {};
    const bool ignored =
        ::sigaction(signal, nullptr, &current) == 0 && current.sa_handler == SIG_IGN;
    // SIGWINCH also wakes the listener when it is to end.
    if (!ignored || signal == SIGWINCH) ::sigaddset(&set_, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &set_, &previous_);
  listener_ = std::thread([this] { listen(); });
}

ChatSignals::~ChatSignals() {
  done_ = true;
  ::pthread_kill(listener_.native_handle(), SIGWINCH);
  listener_.join();
  ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
  for (const int end : events_) ::close(end);
}

std::stop_token ChatSignals::begin_work() {
  const std::lock_guard lock(mutex_);
  working_ = true;
  work_ = std::stop_source();
  return work_.get_token();
}

void ChatSignals::end_work() {
  const std::lock_guard lock(mutex_);
  working_ = false;
}

ChatSignals::Event ChatSignals::take_event() {
  char event = 0;
  return ::read(events_[0], &event, 1) == 1 ? static_cast<Event>(event) : Event::none;
}

void ChatSignals::post(Event event) const {
  const char byte = static_cast<char>(event);
  // A full pipe has events enough.
  [[maybe_unused]] const ssize_t written = ::write(events_[1], &byte, 1);
}

bool ChatSignals::handle_interrupt() {
  const std::lock_guard lock(mutex_);
  if (working_) return work_.request_stop();
  post(Event::interrupt);
  return true;
}

void ChatSignals::die(int signal) const {
  before_death_();
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  ::raise(signal);  // the default action ends the process
}

void ChatSignals::listen() {
  while (true) {
    int signal = 0;
    if (::sigwait(&set_, &signal) != 0 || done_) return;
    if (signal == SIGWINCH)
      post(Event::resize);
    else if (signal != SIGINT || !handle_interrupt())
      die(signal);
  }
}

}  // namespace linnet::cli
