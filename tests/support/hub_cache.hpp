// A Hugging Face cache as its own library writes it.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "support/test_checkpoint.hpp"

namespace linnet::test {

inline void write_text(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

/// Adds a snapshot of "models--org--name" to the cache: files are links to blobs, as ever. Returns
/// its folder.
inline std::filesystem::path add_snapshot(const std::filesystem::path& cache,
                                          const std::string& repository,
                                          const std::string& revision,
                                          const TestCheckpoint& checkpoint) {
  const std::filesystem::path folder = cache / repository / "snapshots" / revision;
  std::filesystem::create_directories(folder);
  int blob = 0;
  for (const auto& [name, content] : checkpoint.contents()) {
    const std::string blob_name = revision + "-" + std::to_string(blob++);
    write_text(cache / repository / "blobs" / blob_name, content);
    std::filesystem::create_symlink("../../blobs/" + blob_name, folder / name);
  }
  return folder;
}

inline void set_main(const std::filesystem::path& cache, const std::string& repository,
                     const std::string& revision) {
  write_text(cache / repository / "refs" / "main", revision);
}

}  // namespace linnet::test
