#include "base/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.hpp"

namespace linnet {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

std::string reason(int error) { return std::error_code(error, std::generic_category()).message(); }

}  // namespace

Bytes map_file(const std::filesystem::path& path) {
  // Without O_NONBLOCK a named pipe would make open() wait for a writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) fail(ErrorCode::not_found, "{}: {}", path.string(), reason(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    fail(ErrorCode::not_found, "{}: {}", path.string(), reason(errno));
  require(S_ISREG(status.st_mode), "{} is not a regular file", path.string());
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return {};
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED)
    fail(ErrorCode::device, "{}: cannot map {} bytes: {}", path.string(), size, reason(errno));
  return {{static_cast<const std::byte*>(address), size},
          std::shared_ptr<const void>(
              address, [size](const void* mapped) { ::munmap(const_cast<void*>(mapped), size); }),
          true};
}

std::string read_file(const std::filesystem::path& path, int64_t limit) {
  const Bytes bytes = map_file(path);
  if (bytes.size() > limit)
    fail(ErrorCode::malformed_file, "{} has {} bytes, more than the {} it may have", path.string(),
         bytes.size(), limit);
  return std::string(bytes.text());
}

void release_pages(const Bytes& bytes) noexcept {
  if (!bytes.mapped) return;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<uintptr_t>(bytes.view.data());
  const uintptr_t begin = (address + page - 1) / page * page;
  const uintptr_t end = (address + bytes.view.size()) / page * page;
  // The mapping is private, clean and of a file, so nothing can be lost; a refusal costs nothing.
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

AtomicFile::AtomicFile(std::filesystem::path path, unsigned mode) : path_(std::move(path)) {
  // Plain open() applies the umask; mkostemp would make the file private, and reading the umask to
  // undo that changes it for the whole process.
  for (int attempt = 0; attempt < 1000 && descriptor_ < 0; ++attempt) {
    temporary_ = fmt::format("{}.tmp-{}-{}", path_.string(), ::getpid(), attempt);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor_ < 0 && errno != EEXIST) break;
  }
  if (descriptor_ < 0)
    fail(ErrorCode::not_found, "cannot create a file beside {}: {}", path_.string(), reason(errno));
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(ErrorCode::device, "writing {}: {}", path_.string(), reason(errno));
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::write_at(int64_t position, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), position);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(ErrorCode::device, "writing {}: {}", path_.string(), reason(errno));
    bytes = bytes.subspan(static_cast<size_t>(written));
    position += written;
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::commit() {
  require(descriptor_ >= 0, "{} was committed before", path_.string());
  if (::fsync(descriptor_) != 0)
    fail(ErrorCode::device, "writing {}: {}", path_.string(), reason(errno));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    fail(ErrorCode::device, "renaming {} to {}: {}", temporary_, path_.string(), reason(errno));
  ::close(std::exchange(descriptor_, -1));
}

}  // namespace linnet
