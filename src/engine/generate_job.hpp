// The job of a generation request: samples a token of each row that it gets, until it ends.
#pragma once

#include <linnet/options.hpp>

#include <memory>
#include <unordered_set>

#include "engine/channel.hpp"
#include "engine/job.hpp"
#include "engine/sampler.hpp"
#include "engine/speculator.hpp"
#include "engine/stop_strings.hpp"
#include "text/grammar/matcher.hpp"
#include "text/tokenizer.hpp"

namespace linnet::engine {

/// What a generation has beside its options.
struct GenerateParts {
  int64_t max_tokens = 0;              ///< what the options and the context leave
  std::unordered_set<int32_t> ends{};  ///< ids that end the text
  /// Token sequences that are not completed.
  std::vector<std::vector<int32_t>> bad_ids = {};
  std::optional<text::TokenStream> stream = {};      ///< makes texts of ids; absent: there are none
  std::optional<text::GrammarMatcher> matcher = {};  ///< of the text's form; absent: any
  std::unique_ptr<Drafter> drafter = nullptr;        ///< null: no guesses
};

/// The caller's side touches `channel` and `cancelled` alone.
class GenerateJob final : public Job {
 public:
  GenerateJob(std::vector<int32_t> prompt, const GenerateOptions& options, Terms terms,
              GenerateParts parts);

  Channel channel;

  [[nodiscard]] int64_t max_tokens() const noexcept { return parts_.max_tokens; }
  /// The last token is never fed back.
  [[nodiscard]] int64_t positions() const override { return prompt_tokens + max_tokens() - 1; }
  [[nodiscard]] int64_t first_wanted() const override {
    return static_cast<int64_t>(ids.size()) - 1;
  }
  void guess(int64_t most) override;
  void decoded(int64_t guessed, int64_t accepted) override;
  std::optional<Ending> read(int64_t position, const Array& row) override;
  void close(const Ending& ending) override;

 private:
  /// What the next token cannot be.
  void forbid();
  void count_time();

  const GenerateOptions options_;
  GenerateParts parts_;
  Sampler sampler_;
  StopStrings stops_;
  std::optional<Speculator> speculator_;
  std::vector<int32_t> forbidden_;
  int64_t generated_ = 0;
  Clock::time_point last_token_;
  Clock::time_point last_step_;
};

}  // namespace linnet::engine
