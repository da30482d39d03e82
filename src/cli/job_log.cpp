#include "cli/job_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "cli/json_line.hpp"

namespace linnet::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr size_t kDigits = 32;
constexpr size_t kMostBytes = size_t{1} << 20;  // then only the last state is kept
constexpr int64_t kMostRead = int64_t{64} << 20;

std::string record(const OrderedJson& json) {
  const std::string text = json_line(json);
  Checksum checksum;
  checksum.add(text);
  return checksum.hex() + " " + text + "\n";
}

/// The object of a line; nothing if it is damaged.
std::optional<OrderedJson> parse_record(std::string_view line) {
  if (line.size() <= kDigits || line[kDigits] != ' ') return std::nullopt;
  const std::string_view text = line.substr(kDigits + 1);
  Checksum checksum;
  checksum.add(text);
  if (checksum.hex() != line.substr(0, kDigits)) return std::nullopt;
  OrderedJson json = OrderedJson::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

OrderedJson to_json(const LinePosition& position) {
  return {{"lines", position.lines}, {"bytes", position.bytes}, {"checksum", position.checksum}};
}

LinePosition position_of(const OrderedJson& json) {
  return {.lines = json.at("lines"), .bytes = json.at("bytes"), .checksum = json.at("checksum")};
}

OrderedJson to_json(const JobState& state) {
  return {{"input", to_json(state.input)},
          {"output", to_json(state.output)},
          {"skipped", state.skipped},
          {"tally", state.tally}};
}

JobState state_of(const OrderedJson& json) {
  return {.input = position_of(json.at("input")),
          .output = position_of(json.at("output")),
          .skipped = json.at("skipped"),
          .tally = json.at("tally")};
}

}  // namespace

std::optional<JobLog::Saved> JobLog::read(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  const std::string content = read_file(file, kMostRead);
  std::optional<Saved> saved;
  try {
    std::string_view rest = content;
    for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      std::optional<OrderedJson> json = parse_record(rest.substr(0, end));
      rest.remove_prefix(end + 1);
      if (!json) break;
      if (saved)
        saved->state = state_of(*json);
      else
        saved = Saved{.task = *std::move(json), .state = {}};
    }
  } catch (const OrderedJson::exception&) {
    saved.reset();
  }
  if (!saved && content.find('\n') != std::string::npos)
    fail(ErrorCode::malformed_file, "{} is not what linnet writes to go on with an output",
         printable(file.string()));
  return saved;
}

JobLog::JobLog(std::filesystem::path file, OrderedJson task, const std::optional<JobState>& state)
    : file_(std::move(file)), task_(std::move(task)) {
  begin(state);
}

JobLog::~JobLog() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void JobLog::begin(const std::optional<JobState>& state) {
  std::string text = record(task_);
  if (state) text += record(to_json(*state));
  AtomicFile out(file_);
  out.write(text);
  out.commit();
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0)
    fail(ErrorCode::device, "opening {}: {}", printable(file_.string()),
         std::generic_category().message(errno));
  bytes_ = text.size();
}

void JobLog::add(const JobState& state) {
  const std::string text = record(to_json(state));
  if (bytes_ + text.size() > kMostBytes) return begin(state);
  // One write: a record that is cut short fails its checksum.
  const ssize_t written = ::write(descriptor_, text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size()))
    fail(ErrorCode::device, "writing {}: {}", printable(file_.string()),
         written < 0 ? std::generic_category().message(errno) : "the disk is full");
  bytes_ += text.size();
}

void JobLog::remove() {
  std::error_code ignored;  // an output with a log that says it is complete is as good
  std::filesystem::remove(file_, ignored);
}

}  // namespace linnet::cli
