// Examples put together to batches of few tokens more or less, and a place to go on from.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "train/dataset.hpp"

namespace linnet::train {

/// Sequences one after another, none of which sees another: sequence s is the next lengths[s] of
/// ids, and its targets are its own next tokens. weights[t] belongs to ids[t] as a target
/// (Example), so the loss at row t of a sequence is that of ids[t + 1] times weights[t + 1], and
/// its last row has none.
struct Pack {
  std::vector<int32_t> ids;      // [T]
  std::vector<int64_t> lengths;  // [B], their sum is T
  std::vector<float> weights;    // [T]

  [[nodiscard]] int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  [[nodiscard]] int64_t targets() const;
  friend bool operator==(const Pack&, const Pack&) = default;
};

/// An example by where it comes from: the place of its line in the epoch's order, and which of the
/// line's examples it is.
struct ExamplePlace {
  int64_t place = 0;
  int64_t piece = 0;

  friend bool operator==(const ExamplePlace&, const ExamplePlace&) = default;
};

/// Where a PackStream stands. A few hundred bytes.
struct DataPosition {
  int64_t epoch = 0;
  ExamplePlace next;                  ///< the first example that was not read yet
  std::vector<ExamplePlace> pending;  ///< read, and in no pack yet
  std::string fingerprint;            ///< of the data (Split) and of the packing

  /// As JSON and back. Errors of parse: malformed_file.
  [[nodiscard]] std::string to_json() const;
  static DataPosition parse(std::string_view json);
  friend bool operator==(const DataPosition&, const DataPosition&) = default;
};

struct PackOptions {
  int64_t max_tokens = 4096;  ///< of a pack; at least the examples' max_length
  int64_t window = 64;        ///< examples to choose from, 1 .. 4096; 1 keeps their order
  int64_t epochs = -1;        ///< after which the stream ends; below 0: never
};

/// The packs of a split, epoch after epoch. A pack begins with the example that has waited longest;
/// of those in the window, in their order, each that still fits goes in (first fit). No pack holds
/// examples of two epochs. Same data, options and seed: same packs, on every machine. The split
/// must outlive this. Not thread-safe.
class PackStream {
 public:
  /// Errors: invalid_argument for options out of range.
  PackStream(Split& split, const PackOptions& options);

  /// The next pack; nothing after the last epoch. Errors: as Split::read; invalid_argument if an
  /// epoch has no example at all.
  std::optional<Pack> next();
  /// Of the pack that next() returns next. Many: it has passed epochs.
  [[nodiscard]] DataPosition position() const;
  /// Goes on from a position: the packs are those that the stream it was taken from would give.
  /// Errors: invalid_argument if it comes from other data, options or seed, or is none of this
  /// stream.
  void seek(const DataPosition& position);

 private:
  struct Item {
    ExamplePlace at;
    Example example;
  };
  bool read_one();
  [[nodiscard]] const Encoded& line(int64_t place);
  [[nodiscard]] std::string fingerprint() const;

  Split& split_;
  PackOptions options_;
  int64_t epoch_ = 0;
  ExamplePlace next_;
  std::deque<Item> window_;
  bool epoch_has_examples_ = false;
  // The line that was read last: a long text gives many examples.
  int64_t cached_epoch_ = -1;
  int64_t cached_place_ = -1;
  Encoded cached_;
};

}  // namespace linnet::train
