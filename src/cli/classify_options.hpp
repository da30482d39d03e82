// How texts are classified: the same flags for classify and calibrate, and of train for what is
// asked.
#pragma once

#include <linnet/classify.hpp>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

namespace linnet::cli {

struct ClassifyFlags {
  ClassifyOptions options;
  std::optional<std::filesystem::path> template_file;
  std::optional<std::filesystem::path> labels_file;
  std::string field = "text";
};

/// --labels, --labels-file, --template, --field, --system and --chat.
void add_question_flags(CLI::App& command, ClassifyFlags& flags);
/// Those, --mode, --length-normalize, --calibrate and --content-free.
void add_classify_flags(CLI::App& command, ClassifyFlags& flags);

/// The options, with the files read. Errors: as read_file; invalid_argument for one without
/// content.
ClassifyOptions read_options(const ClassifyFlags& flags);

}  // namespace linnet::cli
