#include "cli/chat_history.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"

namespace linnet::cli {
namespace {

constexpr size_t kMaxEntries = 1000;
constexpr size_t kMaxEntryBytes = size_t{64} << 10;
constexpr int64_t kMaxFileBytes = int64_t{4} << 20;
constexpr unsigned kOwnerOnly = 0600;

[[noreturn]] void fail_on(const std::filesystem::path& file, const char* what) {
  const int error = errno;
  fail(ErrorCode::device, "{} {}: {}", what, file.string(), std::generic_category().message(error));
}

/// The open file, locked against other programs that shorten it. Closing it unlocks it.
class LockedFile {
 public:
  /// Not open if `flags` do not create the file and there is none.
  LockedFile(const std::filesystem::path& file, int flags) {
    while (true) {
      // Without O_NONBLOCK a FIFO in its place would wait for a writer.
      descriptor_ = ::open(file.c_str(), flags | O_CLOEXEC | O_NONBLOCK, kOwnerOnly);
      if (descriptor_ < 0 && errno == ENOENT && (flags & O_CREAT) == 0) return;
      struct stat mine {};
      if (descriptor_ < 0 || ::fstat(descriptor_, &mine) != 0) fail_on(file, "opening");
      if (!S_ISREG(mine.st_mode)) {
        close();
        fail(ErrorCode::device, "{} is not a regular file", file.string());
      }
      while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) continue;
      // Another program may have put a shorter file in its place before the lock was ours.
      struct stat current {};
      size_ = mine.st_size;
      if (::stat(file.c_str(), &current) == 0 && current.st_ino == mine.st_ino &&
          current.st_dev == mine.st_dev) {
        size_ = current.st_size;
        return;
      }
      close();
    }
  }
  ~LockedFile() { close(); }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  [[nodiscard]] int get() const noexcept { return descriptor_; }
  [[nodiscard]] int64_t size() const noexcept { return size_; }

 private:
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

  int descriptor_ = -1;
  int64_t size_ = 0;
};

std::string line_of(std::string_view entry) {
  using Json = nlohmann::json;
  return Json(entry).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// The last kMaxFileBytes of the file, from the beginning of a line.
std::string read_end(const LockedFile& file, const std::filesystem::path& name) {
  const int64_t skipped = std::max<int64_t>(file.size() - kMaxFileBytes, 0);
  std::string text(static_cast<size_t>(file.size() - skipped), '\0');
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::pread(file.get(), text.data() + done, text.size() - done,
                                  static_cast<off_t>(skipped + static_cast<int64_t>(done)));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_on(name, "reading");
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  text.resize(done);
  if (skipped > 0) text.erase(0, text.find('\n') + 1);  // all of it if there is no newline
  return text;
}

std::vector<std::string> parse(std::string_view text) {
  std::vector<std::string> entries;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    // What is no string in quotes need not be parsed, however deep it may be.
    if (text.starts_with('"')) {
      const nlohmann::json line = nlohmann::json::parse(text.substr(0, end), nullptr, false);
      if (line.is_string()) entries.push_back(line.get<std::string>());
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return entries;
}

}  // namespace

ChatHistory::ChatHistory(std::filesystem::path file) : file_(std::move(file)) {
  const LockedFile locked(file_, O_RDONLY);
  if (locked.get() < 0) return;
  entries_ = parse(read_end(locked, file_));
  if (entries_.size() <= kMaxEntries && locked.size() <= kMaxFileBytes) return;
  if (entries_.size() > kMaxEntries)
    entries_.erase(entries_.begin(), entries_.end() - static_cast<ptrdiff_t>(kMaxEntries));
  AtomicFile shorter(file_, kOwnerOnly);
  for (const std::string& entry : entries_) shorter.write(line_of(entry));
  shorter.commit();
}

void ChatHistory::append(std::string_view entry) {
  if (entry.empty() || entry.size() > kMaxEntryBytes) return;
  if (!entries_.empty() && entries_.back() == entry) return;
  entries_.emplace_back(entry);
  if (entries_.size() > kMaxEntries) entries_.erase(entries_.begin());

  // The XDG specification wants its folders to be the owner's alone.
  std::error_code error;
  if (std::filesystem::create_directories(file_.parent_path(), error))
    std::filesystem::permissions(file_.parent_path(), std::filesystem::perms::owner_all, error);
  const LockedFile locked(file_, O_WRONLY | O_APPEND | O_CREAT);
  const std::string line = line_of(entry);
  ssize_t written = -1;
  do {
    written = ::write(locked.get(), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) fail_on(file_, "writing");
}

std::optional<std::filesystem::path> chat_history_file() {
  const auto folder = [](const char* name) -> std::filesystem::path {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  std::filesystem::path state = folder("XDG_STATE_HOME");
  if (!state.is_absolute()) {
    state = folder("HOME");
    if (!state.is_absolute()) return std::nullopt;
    state = state / ".local" / "state";
  }
  return state / "linnet" / "chat_history";
}

}  // namespace linnet::cli
