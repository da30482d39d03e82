// A job that reads a text and generates nothing: for scores, labels, embeddings.
#pragma once

#include <functional>
#include <future>

#include "engine/job.hpp"

namespace linnet::engine {

/// The caller's side touches `cancelled`, wait() and metrics() alone.
class ReadJob final : public Job {
 public:
  /// Called on the engine's thread with the row of a position; an error from it ends the job.
  using Read = std::function<void(int64_t position, const Array& row)>;

  /// Rows from `first_wanted` to the last of `ids` are read.
  ReadJob(std::vector<int32_t> ids, int64_t first_wanted, Output output, Terms terms, Read read);

  /// Waits for the end. Once. Errors: what ended it: those of `read`; cancelled; out_of_memory;
  /// busy; device; internal.
  Metrics wait() { return result_.get(); }

  [[nodiscard]] int64_t positions() const override { return prompt_tokens; }
  [[nodiscard]] int64_t first_wanted() const override { return next_; }
  [[nodiscard]] Output output() const override { return output_; }
  std::optional<Ending> read(int64_t position, const Array& row) override;
  void close(const Ending& ending) override;

 private:
  int64_t next_;  // to be read
  const Output output_;
  const Read read_;
  std::promise<Metrics> ended_;
  std::future<Metrics> result_ = ended_.get_future();
};

}  // namespace linnet::engine
