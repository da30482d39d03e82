// Scores of labels after prompts: prefill only.
//
// What all prompts begin with is computed once and its blocks are shared; the prompts are packed
// into passes without padding; of each, one row of logits is computed, and a row for each further
// beginning of a label (engine/label_trie.hpp).
#pragma once

#include <linnet/error.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "engine/job.hpp"
#include "engine/label_trie.hpp"

namespace linnet::engine {

class Engine;

/// A prompt, and the labels that may follow it.
struct LabelledPrompt {
  std::vector<int32_t> ids;
  const LabelTrie* labels = nullptr;  ///< lives until all results are there
  std::optional<Error> error = {};    ///< why there is no prompt; its result then has it
};

/// As TextSource.
struct PromptSource {
  std::function<std::optional<LabelledPrompt>()> next;
  std::function<bool()> ready = {};
};

struct LabelScores {
  std::vector<double> logprobs;       ///< [labels], of all tokens of each
  std::vector<float> logits;          ///< [labels], of the first token of each
  int32_t likeliest = 0;              ///< the token that greedy decoding would write
  const LabelTrie* labels = nullptr;  ///< those of the prompt
  Metrics metrics;                    ///< of the prompt
  std::optional<Error> error = {};    ///< of this prompt: invalid_argument or out_of_memory
};

struct ClassifyTerms {
  Job::Terms job;
  /// Whether only the first token of each label is scored: what comes after it costs nothing then.
  bool first_token_only = false;
};

/// Scores the labels after each prompt, in order; `result` is called on the calling thread.
/// Errors: as read_all, but for those of single prompts; what the source and `result` throw.
void classify_all(Engine& engine, const PromptSource& prompts, const ClassifyTerms& terms,
                  const std::function<void(int64_t index, LabelScores scores)>& result);

}  // namespace linnet::engine
