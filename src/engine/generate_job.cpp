#include "engine/generate_job.hpp"

#include <algorithm>

#include "engine/score.hpp"
#include "ops/reduce.hpp"

namespace linnet::engine {
namespace {

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

GenerateJob::GenerateJob(std::vector<int32_t> prompt, const GenerateOptions& options, Terms terms_,
                         GenerateParts parts)
    : Job(std::move(prompt), std::move(terms_)),
      options_(options),
      parts_(std::move(parts)),
      sampler_(options_, ids),
      stops_(options_.stop_strings) {
  if (parts_.drafter) speculator_.emplace(std::move(parts_.drafter), options_.speculate);
}

void GenerateJob::guess(int64_t most) {
  if (!speculator_) return;
  most = std::min(most, max_tokens() - generated_ - 1);
  if (most > 0) draft = speculator_->guess(ids, most);
}

void GenerateJob::decoded(int64_t guessed, int64_t accepted) {
  const Clock::time_point now = Clock::now();
  if (speculator_ && generated_ > accepted + 1)
    speculator_->learn(guessed, accepted, seconds(now - last_step_));
  last_step_ = now;
}

void GenerateJob::forbid() {
  forbidden_.clear();
  // Where the form is complete, there is nothing but an end.
  const bool must_end = parts_.matcher && parts_.matcher->must_end();
  if (generated_ < options_.min_tokens && !must_end)
    forbidden_.assign(parts_.ends.begin(), parts_.ends.end());
  for (const std::vector<int32_t>& word : parts_.bad_ids) {
    const auto begin = std::span(word).first(word.size() - 1);
    if (begin.size() <= ids.size() && std::ranges::equal(begin, std::span(ids).last(begin.size())))
      forbidden_.push_back(word.back());
  }
}

std::optional<Ending> GenerateJob::read(int64_t /*position*/, const Array& row) {
  forbid();
  Constraints constraints{.forbidden = forbidden_};
  if (parts_.matcher) {
    const text::TokenMask& mask = parts_.matcher->mask();
    if (mask.count() == 0) {
      if (parts_.matcher->may_end()) return Ending{.reason = FinishReason::stop};
      fail(ErrorCode::unsupported, "no token of the vocabulary goes on as the grammar asks for");
    }
    constraints.allowed = mask.words();
  }
  const Sample sample = sampler_.sample(row, constraints);
  if (parts_.ends.contains(sample.id)) {
    Ending ending{.reason = FinishReason::stop, .stop_id = sample.id};
    if (parts_.stream) ending.tail = stops_.push(parts_.stream->finish()) + stops_.finish();
    ending.stop_string = stops_.which();
    return ending;
  }
  count_time();
  ++generated_;
  ids.push_back(sample.id);
  if (parts_.matcher) parts_.matcher->accept(sample.id);
  const bool is_last = generated_ == max_tokens();
  Piece piece{sample};
  if (options_.top_logprobs > 0) piece.top = likeliest(row, options_.top_logprobs, sample.log_sum);
  if (parts_.stream) {
    std::string text = parts_.stream->push(sample.id);
    if (is_last) text += parts_.stream->finish();
    // What is said before min_tokens is no beginning of a stop string either.
    piece.text = generated_ <= options_.min_tokens ? text : stops_.push(text);
    if (is_last && !stops_.found()) piece.text += stops_.finish();
  }
  channel.push(std::move(piece));
  if (stops_.found()) return Ending{.reason = FinishReason::stop, .stop_string = stops_.which()};
  if (is_last) return Ending{.reason = FinishReason::length};
  return std::nullopt;
}

void GenerateJob::count_time() {
  const Clock::time_point now = Clock::now();
  if (generated_ == 0) {
    metrics.time_to_first_token_seconds = seconds(now - submitted);
  } else {
    const double gap = seconds(now - last_token_);
    metrics.decode_seconds += gap;
    metrics.longest_gap_seconds = std::max(metrics.longest_gap_seconds, gap);
  }
  last_token_ = now;
}

void GenerateJob::close(const Ending& ending) {
  speculator_.reset();  // and the memory that it guesses with
  metrics.generated_tokens = generated_;
  if (generated_ > 1 && metrics.decode_seconds > 0)
    metrics.decode_tokens_per_second = static_cast<double>(generated_ - 1) / metrics.decode_seconds;
  channel.close(ending, metrics);
}

}  // namespace linnet::engine
