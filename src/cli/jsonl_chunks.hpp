// Jobs over lines whose results come many at a time: score and embed.
#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_line.hpp"
#include "cli/jsonl_job.hpp"
#include "cli/model_identity.hpp"
#include "cli/model_options.hpp"

namespace linnet::cli {

struct ChunkedJob {
  const JobFiles& files;
  const ModelOptions& model;
  std::string verb;
  bool quiet = false;
};

template <class Item>
struct ChunkedWork {
  /// The member that the first of those added is called; a line that has one is skipped.
  std::string added;
  /// What a line asks for. Errors: the line is skipped.
  std::function<Item(const Json& object)> parse;
  /// Its bytes, so that a chunk does not become too large.
  std::function<size_t(const Item& item)> size;
  /// What is added to the lines, in order. Errors: invalid_argument and out_of_memory, before
  /// anything was computed, if there is one for which it cannot be done.
  std::function<std::vector<nlohmann::ordered_json>(const TextModel& model,
                                                    std::span<const Item> items)>
      compute;
};

/// Settles the oldest lines of the job, one for each item. One that fails fails alone: the rest is
/// computed in halves.
template <class Item>
void settle_chunk(JsonlJob& job, const TextModel& model, const ChunkedWork<Item>& work,
                  std::span<const Item> items) {
  try {
    const auto results = work.compute(model, items);
    for (const nlohmann::ordered_json& result : results)
      job.answer(append_members(job.front().text, result));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument && error.code() != ErrorCode::out_of_memory)
      throw;
    if (items.size() == 1) return job.skip(error.what());
    settle_chunk(job, model, work, items.first(items.size() / 2));
    settle_chunk(job, model, work, items.subspan(items.size() / 2));
  }
}

/// Loads the model, gives every line that `work` understands its result's members, and says how it
/// went. `task`: what the output depends on beside the model.
template <class Item>
ExitCode run_chunks(const ChunkedJob& what, const Interrupt& interrupt, nlohmann::ordered_json task,
                    const ChunkedWork<Item>& work) {
  constexpr size_t kMaxBytes = size_t{1} << 20;
  JsonlJob job(what.files, what.verb, interrupt.token());
  try {
    const TextModel model = load(what.model, interrupt.token());
    const auto most = static_cast<size_t>(what.model.load.max_batch) * 4;
    task["model"] = model_identity(model);
    task["context"] = model.plan().context_length;
    job.begin(task);
    std::vector<Item> items;
    size_t bytes = 0;
    const auto settle = [&] {
      if (!items.empty()) settle_chunk<Item>(job, model, work, items);
      items.clear();
      bytes = 0;
    };
    while (true) {
      if (items.size() >= most || bytes >= kMaxBytes || (!items.empty() && !job.ready())) settle();
      const JobLine* line = job.next();
      if (line == nullptr) break;
      try {
        const Json object = parse_object(line->text);
        require(!has_member(object, work.added), "the line has a \"{}\" already", work.added);
        items.push_back(work.parse(object));
        bytes += work.size(items.back());
      } catch (const Error& error) {
        job.skip_last(error.what());
      }
    }
    if (!interrupt.requested()) settle();
    if (interrupt.requested()) fail(ErrorCode::cancelled, "interrupted");
    job.finish();
    if (!what.quiet) fmt::print(stderr, "linnet: {}\n", job.summary());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled || !interrupt.requested()) throw;
    job.interrupt();
    return ExitCode::interrupted;
  }
  return job.answered() == 0 && job.skipped() > 0 ? ExitCode::error : ExitCode::success;
}

}  // namespace linnet::cli
