#include "engine/read_job.hpp"

#include "base/error.hpp"

namespace linnet::engine {

ReadJob::ReadJob(std::vector<int32_t> ids_, int64_t first_wanted, Output output, Terms terms_,
                 Read read)
    : Job(std::move(ids_), std::move(terms_)),
      next_(first_wanted),
      output_(output),
      read_(std::move(read)) {}

std::optional<Ending> ReadJob::read(int64_t position, const Array& row) {
  read_(position, row);
  next_ = position + 1;
  if (next_ < prompt_tokens) return std::nullopt;
  return Ending{.reason = FinishReason::stop};
}

void ReadJob::close(const Ending& ending) {
  if (ending.error)
    ended_.set_exception(ending.error);
  else if (ending.reason == FinishReason::cancelled)
    ended_.set_exception(std::make_exception_ptr(
        Error(ErrorCode::cancelled, "the request was cancelled before its text was read")));
  else
    ended_.set_value(metrics);
}

}  // namespace linnet::engine
