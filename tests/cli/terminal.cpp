#include "cli/terminal.hpp"

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace linnet::test {

Terminal::Terminal(std::vector<std::string> command,
                   const std::map<std::string, std::string>& environment) {
  winsize size{.ws_row = 24, .ws_col = 80};
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  pid_ = ::forkpty(&descriptor_, nullptr, nullptr, &size);
  if (pid_ < 0) throw std::runtime_error("forkpty failed");
  if (pid_ > 0) return;
  // The child; the test has one thread when it forks.
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("NO_COLOR");
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGPIPE, SIGHUP, SIGTERM}) std::signal(number, SIG_DFL);
  ::execvp(arguments.front(), arguments.data());
  ::_exit(127);
}

Terminal::~Terminal() {
  if (!reaped_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(descriptor_);
}

void Terminal::type(std::string_view keys) const {
  if (::write(descriptor_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
    throw std::runtime_error("cannot type");
}

bool Terminal::read_more() {
  pollfd end{descriptor_, POLLIN, 0};
  if (::poll(&end, 1, 60000) == 0) throw std::runtime_error("nothing comes after: " + unread_);
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
  if (count < 0 && errno == EINTR) return true;
  if (count <= 0) return false;  // EIO: nobody has the terminal any more
  unread_.append(buffer.data(), static_cast<size_t>(count));
  return true;
}

std::string Terminal::expect(std::string_view text) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (true) {
    if (const size_t at = unread_.find(text); at != std::string::npos) {
      std::string result = unread_.substr(0, at + text.size());
      unread_.erase(0, at + text.size());
      return result;
    }
    if (std::chrono::steady_clock::now() > end || !read_more())
      throw std::runtime_error("expected \"" + std::string(text) + "\" in: " + unread_);
  }
}

void Terminal::signal(int number) const { ::kill(pid_, number); }

termios Terminal::modes() const {
  termios modes{};
  if (::tcgetattr(descriptor_, &modes) != 0) throw std::runtime_error("tcgetattr failed");
  return modes;
}

int Terminal::wait() {
  while (read_more()) continue;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  reaped_ = true;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace linnet::test
