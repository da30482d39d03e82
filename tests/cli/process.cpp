#include "cli/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

extern char** environ;

namespace linnet::test {
namespace {

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  return ends;
}

void close_end(int& end) {
  if (end >= 0) ::close(end);
  end = -1;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) result.push_back(text);
  }
  for (const auto& [name, value] : added) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

pid_t spawn(std::vector<std::string> command, std::vector<std::string> environment, int in, int out,
            int err) {
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t set;
  ::sigemptyset(&set);
  ::posix_spawnattr_setsigmask(&attributes, &set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &set);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, command.front().c_str(), &files, &attributes,
                                   pointers(command).data(), pointers(environment).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::runtime_error("cannot start " + command.front());
  return pid;
}

}  // namespace

Process::Process(std::vector<std::string> command, const ProcessOptions& options)
    : input_(options.input), hold_input_(options.hold_input) {
  // A child that ends before it read its input must not end the test.
  std::signal(SIGPIPE, SIG_IGN);
  auto in = make_pipe();
  auto out = make_pipe();
  auto err = make_pipe();
  if (options.pipe_bytes > 0) ::fcntl(out[0], F_SETPIPE_SZ, options.pipe_bytes);
  pid_ = spawn(std::move(command), environment_with(options.environment), in[0], out[1], err[1]);
  close_end(in[0]);
  close_end(out[1]);
  close_end(err[1]);
  in_ = in[1];
  out_ = out[0];
  err_ = err[0];
  ::fcntl(in_, F_SETFL, O_NONBLOCK);
}

Process::~Process() {
  if (!ended()) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  close_end(in_);
  close_end(out_);
  close_end(err_);
}

void Process::pump(const std::function<bool()>& enough, int period_ms) {
  const auto read_from = [](int& end, std::string& to) {
    std::array<char, 65536> buffer{};
    const ssize_t count = ::read(end, buffer.data(), buffer.size());
    if (count > 0)
      to.append(buffer.data(), static_cast<size_t>(count));
    else if (count == 0 || errno != EINTR)
      close_end(end);
  };
  while (!enough() && (out_ >= 0 || err_ >= 0)) {
    if (input_.empty() && !hold_input_) close_end(in_);
    std::array<pollfd, 3> ends{pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0},
                               pollfd{input_.empty() ? -1 : in_, POLLOUT, 0}};
    if (::poll(ends.data(), ends.size(), period_ms) < 0) continue;
    if (ends[0].revents != 0) read_from(out_, result_.out);
    if (ends[1].revents != 0) read_from(err_, result_.err);
    if (ends[2].revents != 0) {
      const ssize_t written = ::write(in_, input_.data(), input_.size());
      if (written > 0)
        input_.erase(0, static_cast<size_t>(written));
      else if (errno != EINTR && errno != EAGAIN)
        input_.clear();
    }
  }
}

void Process::read_out(size_t bytes) {
  pump([this, bytes] { return result_.out.size() >= bytes || out_ < 0; });
}

void Process::wait_for_file(const std::filesystem::path& file, size_t bytes) {
  const auto enough = [&] {
    std::error_code none;
    const auto size = std::filesystem::file_size(file, none);
    return !none && size >= bytes;
  };
  pump(enough, 2);
}

bool Process::wait_for_unread(int bytes) {
  close_end(in_);
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < end) {
    int unread = 0;
    if (::ioctl(out_, FIONREAD, &unread) == 0 && unread >= bytes) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

void Process::signal(int number) const { ::kill(pid_, number); }

void Process::close_out() { close_end(out_); }

bool Process::ended() {
  if (!reaped_) reaped_ = ::waitpid(pid_, &raw_status_, WNOHANG) == pid_;
  return reaped_;
}

ProcessResult Process::wait() {
  pump([] { return false; });
  if (!reaped_) ::waitpid(pid_, &raw_status_, 0);
  reaped_ = true;
  result_.killed = WIFSIGNALED(raw_status_);
  result_.status = result_.killed ? 128 + WTERMSIG(raw_status_) : WEXITSTATUS(raw_status_);
  return result_;
}

ProcessResult run_process(std::vector<std::string> command, const ProcessOptions& options) {
  return Process(std::move(command), options).wait();
}

std::vector<std::string> linnet_command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), LINNET_CLI);
  return arguments;
}

ProcessResult run_linnet(std::vector<std::string> arguments, const ProcessOptions& options) {
  return run_process(linnet_command(std::move(arguments)), options);
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::filesystem::path program = std::filesystem::path(folder) / name;
    if (::access(program.c_str(), X_OK) == 0) return program.string();
  }
  return {};
}

}  // namespace linnet::test
