#include "train/dataset.hpp"

#include <algorithm>
#include <numeric>
#include <span>

#include "base/checksum.hpp"
#include "base/error.hpp"

namespace linnet::train {
namespace {

constexpr size_t kBadLinesShown = 5;
// Streams of the seed: what is drawn for one purpose has nothing to do with the others.
constexpr uint64_t kShuffleStream = 0x73687566666c6530;
constexpr uint64_t kSplitStream = 0x73706c6974303030;

// A number in [0, 1) of a line's bytes: FNV-1a, then Philox, which mixes what FNV leaves alike.
double unit_hash(std::string_view line, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : line) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  const RandomWords words = random_block({.seed = seed, .stream = kSplitStream}, hash >> 1);
  return unit_double(words[0], words[1]);
}

std::string describe(const std::optional<Labelling>& labelling) {
  if (!labelling) return "";
  std::string text = fmt::format("\n{}\n{}\n{}\n{}\n{}", labelling->chat, labelling->system,
                                 labelling->fields.text, labelling->fields.label,
                                 labelling->prompt.fill("{text}"));
  for (const std::string& label : labelling->prompt.labels()) text += "\n" + label;
  return text;
}

std::string fingerprint_of(const LineIndex& index, const std::vector<int64_t>& lines,
                           const std::string& options) {
  Checksum sum;
  sum.add(options);
  for (const int64_t number : lines) {
    const std::string_view line = index.line(number);
    const uint64_t size = line.size();
    sum.add(std::as_bytes(std::span(&size, 1)));
    sum.add(line.substr(0, 64));
  }
  return sum.hex();
}

}  // namespace

int64_t Split::line_at(int64_t epoch, int64_t place) const {
  require(epoch >= 0 && place >= 0 && place < size(), "place {} of epoch {} of {} lines", place,
          epoch, size());
  if (!shuffle_) return place;
  const Key key = split({.seed = seed_, .stream = kShuffleStream}, static_cast<uint64_t>(epoch));
  return Permutation(size(), key)(place);
}

void Split::note_bad(int64_t number, const std::string& reason) {
  if (!bad_numbers_.insert(number).second) return;
  if (first_bad_.size() < kBadLinesShown)
    first_bad_.push_back({.where = index_->where(lines_[number]), .reason = reason});
  if (bad_lines() <= max_bad_lines_) return;
  std::string shown;
  for (const BadLine& line : first_bad_)
    shown += fmt::format("\n  {}: {}", line.where, line.reason);
  fail(ErrorCode::malformed_file, "more than {} bad lines in the data:{}", max_bad_lines_, shown);
}

Encoded Split::read(int64_t number) {
  require(number >= 0 && number < size(), "line {} of {}", number, size());
  try {
    const auto& labelling = encoder_->options().labelling;
    return encoder_->encode(Record::parse(index_->line(lines_[number]), "line",
                                          labelling ? &labelling->fields : nullptr));
  } catch (const Error& error) {
    note_bad(number, error.what());
    return {};
  }
}

Dataset::Dataset(const DatasetOptions& options, const std::shared_ptr<const Encoder>& encoder) {
  require(!options.files.empty(), "no data files");
  const double fraction = options.validation_fraction;
  require(fraction >= 0 && fraction < 1, "validation_fraction is {}, it must be in [0, 1)",
          fraction);
  require(fraction == 0 || options.validation_files.empty(),
          "a validation_fraction of {} beside files of validation", fraction);
  train_.index_ = std::make_shared<LineIndex>(options.files);
  validation_.index_ = train_.index_;
  for (int64_t i = 0; i < train_.index_->size(); ++i) {
    const bool held_out =
        fraction > 0 && unit_hash(train_.index_->line(i), options.seed) < fraction;
    (held_out ? validation_ : train_).lines_.push_back(i);
  }
  if (!options.validation_files.empty()) {
    validation_.index_ = std::make_shared<LineIndex>(options.validation_files);
    validation_.lines_.resize(static_cast<size_t>(validation_.index_->size()));
    std::iota(validation_.lines_.begin(), validation_.lines_.end(), 0);
  }
  require(train_.size() > 0, "no line to train with in {} files ({} for validation)",
          options.files.size(), validation_.size());
  train_.shuffle_ = options.shuffle;
  const EncodeOptions& encode = encoder->options();
  for (Split* side : {&train_, &validation_}) {
    side->encoder_ = encoder;
    side->seed_ = options.seed;
    side->max_bad_lines_ = options.max_bad_lines;
    side->fingerprint_ =
        fingerprint_of(*side->index_, side->lines_,
                       fmt::format("1 {} {} {} {} {} {} {} {}", options.seed,
                                   encode.now.time_since_epoch().count(), side->shuffle_,
                                   encode.max_length, encode.skip_long, encode.append_eos,
                                   encode.prompts_as_chat, static_cast<int>(encode.turns)) +
                           describe(encode.labelling));
  }
}

}  // namespace linnet::train
