// The reasoning of an answer, between <think> and </think>, told from the answer itself while the
// tokens come.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linnet::cli {

/// Cuts a stream of text at the marks. Reasoning begins with "<think>" before anything else than
/// white space, or at once where the template has opened it; it ends with "</think>". Marks further
/// on are text like any other. What may be the beginning of a mark waits for the rest.
class ThinkSplitter {
 public:
  enum class Kind { answer, reasoning, mark };
  struct Piece {
    Kind kind = Kind::answer;
    std::string text;
    friend bool operator==(const Piece&, const Piece&) = default;
  };

  /// `opened`: the prompt ends inside the marks. The first piece is then the opening mark, so that
  /// the pieces together read like those of a model that writes it.
  explicit ThinkSplitter(bool opened) : state_(opened ? State::opened : State::start) {}

  /// What is certain after `text`; never an empty piece.
  std::vector<Piece> push(std::string_view text);
  /// The rest, at the end of the stream.
  std::vector<Piece> finish();

  /// All reasoning so far, without marks and the newlines round it.
  [[nodiscard]] std::string reasoning() const;
  /// The answer so far, without the newlines after reasoning.
  [[nodiscard]] std::string answer() const;

 private:
  enum class State { opened, start, reasoning, answer };

  void emit(std::vector<Piece>& pieces, Kind kind, size_t length);
  void step(std::vector<Piece>& pieces);

  State state_;
  std::string waiting_;
  std::string reasoning_;
  std::string answer_;
  bool marked_ = false;  // there was a mark
};

/// Whether a prompt ends inside the marks, white space aside.
bool opens_thinking(std::string_view prompt);

}  // namespace linnet::cli
