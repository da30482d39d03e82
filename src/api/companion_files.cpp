#include "api/companion_files.hpp"

#include <algorithm>
#include <array>

namespace linnet {

bool is_companion(std::string_view name) {
  if (name == "config.json" || name.ends_with(".index.json")) return false;
  constexpr std::array<std::string_view, 8> kEndings{".json", ".jinja",    ".model", ".txt",
                                                     ".py",   ".tiktoken", ".jsonl", ".spm"};
  const auto ends = [&](std::string_view ending) { return name.ends_with(ending); };
  return std::ranges::any_of(kEndings, ends) || name.starts_with("LICENSE") ||
         name.starts_with("NOTICE");
}

void copy_companions(const io::Checkpoint& from, io::CheckpointWriter& to) {
  for (const io::CheckpointFile& file : from.files())
    if (is_companion(file.name)) to.add_file(file.name, from.file(file.name)->text());
}

}  // namespace linnet
