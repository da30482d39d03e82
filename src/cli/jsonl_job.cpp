#include "cli/jsonl_job.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/json_line.hpp"
#include "cli/output.hpp"

namespace linnet::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kSavePeriod{500};
constexpr size_t kMaxPendingBytes = size_t{64} << 20;
constexpr int64_t kMostNamed = 20;  // lines that are skipped and named one by one
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string shown(const std::filesystem::path& file) { return printable(file.string()); }

std::filesystem::path log_of(const std::filesystem::path& output) {
  return output.string() + ".progress";
}

[[noreturn]] void fail_at(const char* doing, const std::filesystem::path& file) {
  const int error = errno;
  fail(error == ENOENT ? ErrorCode::not_found : ErrorCode::device, "{} {}: {}", doing, shown(file),
       std::generic_category().message(error));
}

struct stat status_of(int descriptor) {
  struct stat status {};
  ::fstat(descriptor, &status);
  return status;
}

/// Which member of two tasks differs.
std::string difference(const OrderedJson& then, const OrderedJson& now) {
  const auto text = [](const OrderedJson& json) { return printable(json_line(json), 100); };
  for (const auto& [key, value] : now.items()) {
    const auto before = then.find(key);
    if (before == then.end() || *before != value)
      return fmt::format("{} was {} and is {}", key,
                         before == then.end() ? "not there" : text(*before), text(value));
  }
  return "it was another command";
}

/// Whether there is nothing but white space.
bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

void add_job_flags(CLI::App& command, JobFiles& files) {
  command
      .add_option_function<std::string>(
          "--input", [&files](const std::string& file) { files.input = file; },
          "read lines from a file instead of standard input")
      ->type_name("FILE");
  CLI::Option* output =
      command
          .add_option_function<std::string>(
              "--output", [&files](const std::string& file) { files.output = file; },
              "write to a file instead of standard output, so that the work can be resumed")
          ->type_name("FILE");
  CLI::Option* resume =
      command
          .add_flag("--resume", files.resume,
                    "go on where an interrupted run with this output stopped; without one, begin")
          ->needs(output);
  command.add_flag("--force", files.force, "replace the output that is there")
      ->needs(output)
      ->excludes(resume);
}

JsonlJob::JsonlJob(JobFiles files, std::string verb, std::stop_token stop)
    : files_(std::move(files)), stop_(std::move(stop)), progress_(std::move(verb)) {
  open_input();
  if (files_.output) open_output();
}

JsonlJob::~JsonlJob() {
  if (files_.input && in_ >= 0) ::close(in_);
  if (out_ >= 0) ::close(out_);
  // A command that failed before it began leaves nothing.
  if (created_ && !log_) ::unlink(files_.output->c_str());
}

void JsonlJob::open_input() {
  in_ = files_.input ? ::open(files_.input->c_str(), O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
  if (in_ < 0) fail_at("opening", *files_.input);
  const struct stat status = status_of(in_);
  require(!S_ISDIR(status.st_mode), "{} is a folder",
          files_.input ? shown(*files_.input) : "input");
  if (S_ISREG(status.st_mode))
    input_bytes_ = status.st_size - std::max<off_t>(::lseek(in_, 0, SEEK_CUR), 0);
  reader_.emplace(in_, files_.input ? shown(*files_.input) : "standard input", stop_);
}

void JsonlJob::open_output() {
  const std::filesystem::path& file = *files_.output;
  out_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  created_ = out_ >= 0;
  if (!created_) out_ = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (out_ < 0) fail_at("opening", file);
  const struct stat status = status_of(out_);
  const struct stat input = status_of(in_);
  require(S_ISREG(status.st_mode),
          "{} is no regular file; without --output, linnet writes to "
          "standard output",
          shown(file));
  require(status.st_dev != input.st_dev || status.st_ino != input.st_ino,
          "{} is both the input and the output", shown(file));
  if (::flock(out_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    fail(ErrorCode::busy, "another linnet is writing to {}", shown(file));
  if (files_.force || files_.resume) return;
  require(!std::filesystem::exists(log_of(file)),
          "{} is that of an interrupted run: --resume goes on with it, --force begins again",
          shown(file));
  require(status.st_size == 0, "{} exists already; --force replaces it", shown(file));
}

void JsonlJob::begin(const OrderedJson& task) {
  if (files_.output) {
    const std::filesystem::path log = log_of(*files_.output);
    const auto saved = files_.resume ? JobLog::read(log) : std::nullopt;
    reader_->keep_checksum();
    written_ = std::make_unique<Checksum>();
    if (saved) {
      require(saved->task == task, "{} cannot go on: {}", shown(*files_.output),
              difference(saved->task, task));
      if (saved->state) go_on(*saved->state);
    } else if (files_.resume) {
      require(status_of(out_).st_size == 0,
              "{} cannot go on: there is no {}. It is complete, or was not begun by such a command",
              shown(*files_.output), shown(log));
    }
    // In this order: a crash in between leaves a log that cuts the output when it is resumed.
    log_.emplace(log, task, saved ? saved->state : std::nullopt);
    cut_output();
  }
  begun_ = Clock::now();
  save_due_ = begun_ + kSavePeriod;
  resumed_bytes_ = state_.input.bytes;
}

/// Cuts the output to what the state says.
void JsonlJob::cut_output() {
  if (::ftruncate(out_, state_.output.bytes) != 0) fail_at("cutting", *files_.output);
  if (::lseek(out_, 0, SEEK_END) < 0) fail_at("seeking in", *files_.output);
}

void JsonlJob::go_on(const JobState& saved) {
  const std::string name = shown(*files_.output);
  require(status_of(out_).st_size >= saved.output.bytes,
          "{} cannot go on: it has {} bytes, and had {} when it was interrupted", name,
          status_of(out_).st_size, saved.output.bytes);
  std::vector<char> buffer(size_t{1} << 20);
  for (int64_t read = 0; read < saved.output.bytes;) {
    const auto most = std::min<int64_t>(saved.output.bytes - read, std::ssize(buffer));
    const ssize_t count = ::pread(out_, buffer.data(), static_cast<size_t>(most), read);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail_at("reading", *files_.output);
    written_->add(std::string_view(buffer.data(), static_cast<size_t>(count)));
    read += count;
  }
  require(written_->hex() == saved.output.checksum,
          "{} cannot go on: it was changed since it was interrupted", name);
  LinePosition position;
  while (position.lines < saved.input.lines) {
    const std::optional<InputLine> line = reader_->next();
    if (!line) break;
    position = line->after;
  }
  if (stop_.stop_requested()) fail(ErrorCode::cancelled, "interrupted");
  require(saved.input.lines == 0 || position.checksum == saved.input.checksum,
          "{} cannot go on: the first {} lines of the input are not those that it was made of",
          name, saved.input.lines);
  state_ = saved;
}

bool JsonlJob::ready() {
  return pending_bytes_ < kMaxPendingBytes && (stop_.stop_requested() || reader_->ready());
}

JobLine* JsonlJob::next() {
  while (!stop_.stop_requested()) {
    std::optional<InputLine> line = reader_->next();
    if (!line) return nullptr;
    if (line->after.lines == 1 && line->text.starts_with(kByteOrderMark))
      line->text.erase(0, kByteOrderMark.size());
    Pending& pending = pending_.emplace_back();
    pending.after = std::move(line->after);
    pending.line = {.number = pending.after.lines, .text = std::move(line->text)};
    pending.bytes = pending.line.text.size();
    pending_bytes_ += pending.bytes;
    if (line->too_long) {
      skip_last(fmt::format("it has more than {} bytes", LineReader::kMaxLine));
    } else if (is_blank(pending.line.text)) {
      pending.open = false;
      settle_ended();
    } else {
      return &pending.line;
    }
  }
  return nullptr;
}

JobLine& JsonlJob::front() { return pending_.front().line; }

void JsonlJob::end(Pending& pending, std::string answer, std::string counted) {
  pending.answer = std::move(answer);
  pending.counted = std::move(counted);
  pending.open = false;
  settle_ended();
}

void JsonlJob::end(Pending& pending, std::string_view reason) {
  pending.reason = reason;
  pending.open = false;
  settle_ended();
}

void JsonlJob::answer(std::string text, std::string counted) {
  end(pending_.front(), std::move(text), std::move(counted));
}
void JsonlJob::skip(std::string_view reason) { end(pending_.front(), reason); }
void JsonlJob::answer_last(std::string text, std::string counted) {
  end(pending_.back(), std::move(text), std::move(counted));
}
void JsonlJob::skip_last(std::string_view reason) { end(pending_.back(), reason); }

int64_t JsonlJob::counted(const std::string& name) const {
  const auto at = state_.tally.find(name);
  return at == state_.tally.end() ? 0 : at->get<int64_t>();
}

void JsonlJob::settle_ended() {
  while (!pending_.empty() && !pending_.front().open) settle_front();
}

void JsonlJob::settle_front() {
  Pending& pending = pending_.front();
  if (pending.answer)
    write_line(*std::move(pending.answer));
  else if (!pending.reason.empty())
    name(pending.line.number, pending.reason);
  if (!pending.counted.empty()) state_.tally[pending.counted] = counted(pending.counted) + 1;
  state_.input = std::move(pending.after);
  pending_bytes_ -= pending.bytes;
  pending_.pop_front();
  const double seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
  progress_.show({.done = state_.input.bytes,
                  .total = input_bytes_,
                  .done_before = resumed_bytes_,
                  .count = answered_now_,
                  .what = "lines",
                  .seconds = seconds});
  if (log_ && Clock::now() >= save_due_) save();
}

void JsonlJob::write_line(std::string text) {
  text += '\n';
  if (files_.discard) {
  } else if (out_ < 0) {
    write_out(text);
  } else {
    std::string_view rest = text;
    while (!rest.empty()) {
      const ssize_t count = ::write(out_, rest.data(), rest.size());
      if (count < 0 && errno != EINTR) fail_at("writing", *files_.output);
      if (count > 0) rest.remove_prefix(static_cast<size_t>(count));
    }
    written_->add(text);
  }
  ++state_.output.lines;
  ++answered_now_;
  state_.output.bytes += static_cast<int64_t>(text.size());
}

void JsonlJob::name(int64_t number, std::string_view reason) {
  ++state_.skipped;
  if (++skipped_now_ > kMostNamed + 1) return;
  progress_.clear();
  if (skipped_now_ <= kMostNamed)
    fmt::print(stderr, "linnet: line {} skipped: {}\n", number, printable(reason, 400));
  else
    fmt::print(stderr, "linnet: further lines that are skipped are only counted\n");
}

void JsonlJob::save() {
  if (::fdatasync(out_) != 0) fail_at("writing", *files_.output);
  state_.output.checksum = written_->hex();
  log_->add(state_);
  save_due_ = Clock::now() + kSavePeriod;
}

void JsonlJob::finish() {
  progress_.clear();
  if (!log_) return;
  if (::fsync(out_) != 0) fail_at("writing", *files_.output);
  log_->remove();
}

void JsonlJob::interrupt() {
  progress_.clear();
  if (!log_) return;
  save();
  fmt::print(stderr, "linnet: interrupted after {} lines; --resume goes on\n", state_.input.lines);
}

std::string JsonlJob::summary() const {
  const double seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
  std::string text = fmt::format("{} lines in {:.1f} s ({:.1f}/s)", answered_now_, seconds,
                                 static_cast<double>(answered_now_) / std::max(seconds, 1e-9));
  if (skipped_now_ > 0) text += fmt::format(", {} skipped", skipped_now_);
  return text;
}

}  // namespace linnet::cli
