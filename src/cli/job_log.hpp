// What keeps an interrupted job: a file beside its output that says how far the output is whole.
//
// Text, one record a line: 32 hexadecimal digits (base/checksum of the rest), a space, a JSON
// object. The first record is the task; each further one says how far the job was. Lines are only
// appended, so a crash can damage the last one alone, which then counts as absent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/line_reader.hpp"

namespace linnet::cli {

/// How far a job was.
struct JobState {
  LinePosition input;   ///< lines before it have been answered or skipped
  LinePosition output;  ///< whose answers these are
  int64_t skipped = 0;
  nlohmann::ordered_json tally = nlohmann::ordered_json::object();  ///< what the command counts
};

class JobLog {
 public:
  /// What the file has; nothing if it is not there, or nothing in it is whole.
  /// Errors: malformed_file if it is no such file; as read_file.
  struct Saved {
    nlohmann::ordered_json task;
    std::optional<JobState> state;
  };
  static std::optional<Saved> read(const std::filesystem::path& file);

  /// Begins the file, in place of what was there, with a task and perhaps a state.
  /// Errors: as AtomicFile.
  JobLog(std::filesystem::path file, nlohmann::ordered_json task,
         const std::optional<JobState>& state);
  ~JobLog();
  JobLog(const JobLog&) = delete;
  JobLog& operator=(const JobLog&) = delete;

  /// Appends a state. Errors: device if it cannot be written.
  void add(const JobState& state);
  /// The job is complete: the file goes.
  void remove();

 private:
  void begin(const std::optional<JobState>& state);

  std::filesystem::path file_;
  nlohmann::ordered_json task_;
  int descriptor_ = -1;
  size_t bytes_ = 0;
};

}  // namespace linnet::cli
