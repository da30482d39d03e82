#include "base/file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "support/expect_error.hpp"
#include "support/temporary_folder.hpp"

namespace linnet {
namespace {

using test::expect_error;
using test::TemporaryFolder;

void put(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

int entries(const std::filesystem::path& folder) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

TEST(MapFile, GivesTheBytesAndKeepsThem) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f";
  put(path, std::string_view("a\0b", 3));
  Bytes bytes = map_file(path);
  EXPECT_EQ(bytes.size(), 3);
  std::filesystem::remove(path);
  const Bytes copy = bytes;
  bytes = {};
  EXPECT_EQ(copy.text(), std::string_view("a\0b", 3));
}

TEST(MapFile, TakesAnEmptyFile) {
  const TemporaryFolder folder;
  put(folder.path() / "empty", "");
  EXPECT_EQ(map_file(folder.path() / "empty").size(), 0);
  EXPECT_EQ(read_file(folder.path() / "empty"), "");
}

TEST(MapFile, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  expect_error(ErrorCode::not_found, "/absent: No such file",
               [&] { (void)map_file(folder.path() / "absent"); });
  expect_error(ErrorCode::invalid_argument, "not a regular file",
               [&] { (void)map_file(folder.path()); });
  const auto pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_error(ErrorCode::invalid_argument, "not a regular file", [&] { (void)map_file(pipe); });
}

/// Bytes of mapped files that this process holds in memory.
int64_t resident_file_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kilobytes = 0;
    if (word == "RssFile:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

TEST(MapFile, GivesPagesBackAndReadsThemAgain) {
  const TemporaryFolder folder;
  std::string text(int64_t{8} << 20, 'a');
  for (size_t i = 0; i < text.size(); i += 1000) text[i] = static_cast<char>('a' + i % 26);
  put(folder.path() / "f", text);
  const Bytes bytes = map_file(folder.path() / "f");
  EXPECT_TRUE(bytes.mapped);
  const int64_t before = resident_file_bytes();
  EXPECT_TRUE(bytes.text() == text);
  EXPECT_GT(resident_file_bytes() - before, int64_t{7} << 20);
  release_pages({bytes.view.subspan(100, size_t{4} << 20), bytes.owner, true});
  EXPECT_LT(resident_file_bytes() - before, int64_t{5} << 20);
  release_pages(bytes);
  EXPECT_LT(resident_file_bytes() - before, int64_t{1} << 20);
  EXPECT_TRUE(bytes.text() == text);
}

TEST(MapFile, GivesBackNothingElse) {
  std::vector<std::byte> own(size_t{3} * 4096, std::byte{7});
  release_pages({own, nullptr});
  EXPECT_EQ(std::count(own.begin(), own.end(), std::byte{7}), 3 * 4096);
  release_pages({});
}

TEST(ReadFile, HasALimit) {
  const TemporaryFolder folder;
  put(folder.path() / "f", "12345");
  EXPECT_EQ(read_file(folder.path() / "f", 5), "12345");
  expect_error(ErrorCode::malformed_file, "has 5 bytes, more than the 4",
               [&] { (void)read_file(folder.path() / "f", 4); });
}

TEST(AtomicFile, PutsTheWholeFileInPlace) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f";
  put(path, "old");
  {
    AtomicFile file(path);
    file.write("new ");
    EXPECT_EQ(read_file(path), "old");
    const char rest[] = {'o', 'n', 'e'};
    file.write(std::as_bytes(std::span(rest)));
    file.commit();
    EXPECT_EQ(read_file(path), "new one");
    expect_error(ErrorCode::invalid_argument, "committed before", [&] { file.commit(); });
  }
  EXPECT_EQ(read_file(path), "new one");
  EXPECT_EQ(entries(folder.path()), 1);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f";
  put(path, "old");
  {
    AtomicFile first(path);
    AtomicFile second(path);  // two writers of one path do not meet
    first.write("first");
    second.write("second");
    EXPECT_EQ(entries(folder.path()), 3);
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(entries(folder.path()), 1);
}

TEST(AtomicFile, LeavesNothingWhenTheRenameFails) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f";
  std::filesystem::create_directory(path);
  put(path / "inside", "x");
  {
    AtomicFile file(path);
    file.write("x");
    expect_error(ErrorCode::device, "renaming", [&] { file.commit(); });
  }
  EXPECT_EQ(entries(folder.path()), 1);
}

TEST(AtomicFile, LeavesNothingWhenTheDiskIsFull) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f";
  // A limit on the size of files stands in for a full disk.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  {
    AtomicFile file(path);
    expect_error(ErrorCode::device, "writing", [&] { file.write(std::string(10'000, 'x')); });
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(entries(folder.path()), 0);
}

TEST(AtomicFile, NamesAMissingFolder) {
  const TemporaryFolder folder;
  expect_error(ErrorCode::not_found, "absent/f: No such file",
               [&] { const AtomicFile file(folder.path() / "absent" / "f"); });
}

TEST(AtomicFile, FollowsTheUmask) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  {
    AtomicFile file(folder.path() / "f");
    file.commit();
  }
  EXPECT_EQ(::umask(before), 027U);
  struct stat status {};
  ASSERT_EQ(::stat((folder.path() / "f").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

}  // namespace
}  // namespace linnet
