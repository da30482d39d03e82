// A job over lines: each line of the input gets a line of the output, in order, or is skipped and
// named. What classify, batch, score and embed have in common; docs/cli.md says what --resume does.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "cli/job_log.hpp"
#include "cli/line_reader.hpp"
#include "cli/progress.hpp"

namespace linnet::cli {

struct JobFiles {
  std::optional<std::filesystem::path> input;   ///< nothing: standard input
  std::optional<std::filesystem::path> output;  ///< nothing: standard output
  bool resume = false;
  bool force = false;
  bool discard = false;  ///< answers are counted and not written
};

/// --input, --output, --resume and --force.
void add_job_flags(CLI::App& command, JobFiles& files);

/// A line that waits for its answer.
struct JobLine {
  int64_t number = 0;
  std::string text = {};  ///< not empty; the command may keep something else here
};

/// Lines are taken with next() and settled in the same order, each with answer() or skip(), or
/// already when it was taken, with answer_last() or skip_last(). With an output file, what was
/// settled is written to a log beside it (cli/job_log) about twice a second, after the output
/// itself is on the disk. One thread.
class JsonlJob {
 public:
  /// Opens the files. `verb` is for the progress line, such as "classifying".
  /// Errors: not_found, device; invalid_argument if the output is there and may not be touched.
  JsonlJob(JobFiles files, std::string verb, std::stop_token stop);
  ~JsonlJob();
  JsonlJob(const JsonlJob&) = delete;
  JsonlJob& operator=(const JsonlJob&) = delete;

  /// Says what the job is, all that the output depends on, and goes to where it was interrupted.
  /// To be called once, before the first line is taken.
  /// Errors: invalid_argument if the interrupted job was another, or its files have changed.
  void begin(const nlohmann::ordered_json& task);

  /// The next line that is not empty, valid until it is settled; null at the end or once a stop was
  /// requested. Lines that are too long are skipped.
  JobLine* next();
  /// Whether next() would answer at once, and there is memory for another line.
  bool ready();
  /// The oldest line that was taken and is not settled.
  JobLine& front();

  /// Settles front() with a line of the output (without its end), counted under a name of the
  /// tally. Errors: ClosedPipe; device.
  void answer(std::string text, std::string counted = {});
  /// Settles front(): names the line on standard error.
  void skip(std::string_view reason);
  /// The same for the line that next() gave last.
  void answer_last(std::string text, std::string counted = {});
  void skip_last(std::string_view reason);

  /// All lines are settled: the output is complete. Errors: device.
  void finish();
  /// Ends early: what was settled is kept, and standard error says so. Errors: device.
  void interrupt();

  // Of the whole job, what was done before it was resumed included.
  [[nodiscard]] int64_t counted(const std::string& name) const;
  [[nodiscard]] int64_t answered() const noexcept { return state_.output.lines; }
  [[nodiscard]] int64_t skipped() const noexcept { return state_.skipped; }
  /// "1500 lines in 10.0 s (150.0/s), 3 skipped", of this run.
  [[nodiscard]] std::string summary() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Pending {
    JobLine line;
    LinePosition after;
    size_t bytes = 0;  // of the text, as it was read
    bool open = true;  // neither answered nor skipped
    std::optional<std::string> answer = {};
    std::string reason = {};  // why it was skipped
    std::string counted = {};
  };

  void open_input();
  void open_output();
  void cut_output();
  void go_on(const JobState& saved);
  void end(Pending& pending, std::string answer, std::string counted);
  void end(Pending& pending, std::string_view reason);
  void settle_front();
  void settle_ended();
  void write_line(std::string text);
  void name(int64_t number, std::string_view reason);
  void save();

  JobFiles files_;
  std::stop_token stop_;
  ProgressLine progress_;
  int in_ = -1;
  int out_ = -1;             // -1: standard output
  bool created_ = false;     // the output was not there
  int64_t input_bytes_ = 0;  // 0: not known
  std::optional<LineReader> reader_;
  std::optional<JobLog> log_;
  std::unique_ptr<Checksum> written_;  // of the output
  JobState state_;
  std::deque<Pending> pending_;
  size_t pending_bytes_ = 0;
  int64_t skipped_now_ = 0;
  int64_t answered_now_ = 0;
  int64_t resumed_bytes_ = 0;
  Clock::time_point begun_;
  Clock::time_point save_due_;
};

}  // namespace linnet::cli
