// Running the linnet binary, or another program, as a user's shell would.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace linnet::test {

struct ProcessOptions {
  std::string input = {};                               ///< standard input
  std::map<std::string, std::string> environment = {};  ///< added to that of the test
  bool hold_input = false;  ///< standard input does not end after `input`
  int pipe_bytes = 0;       ///< capacity of the pipe at its standard output; 0: the system's
};

struct ProcessResult {
  int status = 0;       ///< as a shell's $?: the exit code, or 128 + the signal that ended it
  bool killed = false;  ///< by a signal
  std::string out;
  std::string err;
};

/// A child with pipes at standard input, output and error. It starts with SIGINT and SIGPIPE at
/// their defaults, whatever the test runner ignores. The destructor kills it if it still runs.
class Process {
 public:
  explicit Process(std::vector<std::string> command, const ProcessOptions& options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Reads until standard output holds `bytes` bytes or ends.
  void read_out(size_t bytes);
  /// Feeds it until a file holds `bytes` bytes or it closed its output and error.
  void wait_for_file(const std::filesystem::path& file, size_t bytes);
  /// Waits, without reading, until that many bytes wait in the pipe; false after a minute.
  bool wait_for_unread(int bytes);
  void signal(int number) const;
  /// Closes this end of standard output.
  void close_out();
  /// Whether it has ended (its result is then there to be taken by wait()).
  bool ended();
  /// Reads the rest and waits for the end.
  ProcessResult wait();

 private:
  /// Carries data until `enough`, which is asked after every event and, if there is a period, that
  /// often.
  void pump(const std::function<bool()>& enough, int period_ms = -1);

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string input_;
  bool hold_input_;
  int raw_status_ = 0;
  bool reaped_ = false;
  ProcessResult result_;
};

/// Runs a program to its end.
ProcessResult run_process(std::vector<std::string> command, const ProcessOptions& options = {});

/// Runs linnet to its end.
ProcessResult run_linnet(std::vector<std::string> arguments, const ProcessOptions& options = {});

/// The command line that starts linnet.
std::vector<std::string> linnet_command(std::vector<std::string> arguments);

/// The program of that name in PATH; empty if there is none.
std::string find_program(const std::string& name);

}  // namespace linnet::test
