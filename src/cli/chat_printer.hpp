// Shows an answer while it comes.
#pragma once

#include <vector>

#include "cli/chat_think.hpp"

namespace linnet::cli {

/// Writes pieces of an answer to standard output: reasoning and its marks dimmed where styles may
/// be written, control characters left out on a terminal, everything as it is elsewhere.
class AnswerPrinter {
 public:
  AnswerPrinter();
  /// Ends the style, if finish() was not reached.
  ~AnswerPrinter();
  AnswerPrinter(const AnswerPrinter&) = delete;
  AnswerPrinter& operator=(const AnswerPrinter&) = delete;

  /// Errors: as write_out.
  void print(const std::vector<ThinkSplitter::Piece>& pieces);
  /// Ends the style and the line. Errors: as write_out.
  void finish();

 private:
  bool terminal_;
  bool styled_;
  bool dimmed_ = false;
};

}  // namespace linnet::cli
