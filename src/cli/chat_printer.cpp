#include "cli/chat_printer.hpp"

#include <unistd.h>

#include <exception>
#include <string>
#include <utility>

#include "cli/chat_terminal.hpp"
#include "cli/output.hpp"

namespace linnet::cli {
namespace {

constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kPlain = "\x1b[0m";

}  // namespace

AnswerPrinter::AnswerPrinter()
    : terminal_(::isatty(STDOUT_FILENO) == 1), styled_(styled(STDOUT_FILENO)) {}

AnswerPrinter::~AnswerPrinter() {
  if (!dimmed_) return;
  try {
    write_out(kPlain);
  } catch (const std::exception&) {
    return;  // an error is on its way already, or nobody reads
  }
}

void AnswerPrinter::print(const std::vector<ThinkSplitter::Piece>& pieces) {
  std::string out;
  for (const ThinkSplitter::Piece& piece : pieces) {
    const bool dimmed = styled_ && piece.kind != ThinkSplitter::Kind::answer;
    if (dimmed != dimmed_) out += dimmed ? kDim : kPlain;
    dimmed_ = dimmed;
    out += terminal_ ? without_controls(piece.text) : piece.text;
  }
  write_out(out);
}

void AnswerPrinter::finish() {
  write_out(std::exchange(dimmed_, false) ? std::string(kPlain) + "\n" : "\n");
}

}  // namespace linnet::cli
