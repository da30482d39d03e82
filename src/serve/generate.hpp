// From a request for text to answers that run: what all interfaces share.
#pragma once

#include <linnet/model.hpp>

#include <optional>
#include <string>
#include <vector>

#include "serve/answer.hpp"
#include "serve/http.hpp"
#include "serve/services.hpp"
#include "serve/text_request.hpp"

namespace linnet::serve {

/// Answers that have been given to a model, and the model.
struct Running {
  TextModel model;
  std::string name;
  std::vector<Answer> answers;
  size_t per_prompt = 1;  ///< answers in a row that share a prompt

  [[nodiscard]] Usage usage() const { return usage_of(answers, per_prompt); }
};

/// How long the status of an answer may stay open: until its first token, or so long. Then the
/// answer begins, so that clients do not take the server for dead; comments follow as often.
inline constexpr std::chrono::milliseconds kKeepAlive{5'000};

/// A model that is ready to be used, and the name of the adapter that it is used with.
struct OpenModel {
  TextModel model;
  std::string adapter;
};

/// The model of that name, noted in the exchange. Errors: as ModelPool::card and
/// ModelPool::acquire.
asio::awaitable<OpenModel> open_model(const Services& services, Exchange& exchange,
                                      const std::string& name);

/// Starts `request.n` answers; each has the seed of the one before plus one. Errors: ApiError; as
/// TextModel::generate and TextModel::chat.
asio::awaitable<Running> start(const Services& services, Exchange& exchange, TextRequest request);

/// All of the answers, once they have ended. Errors: the first one's that fails.
asio::awaitable<std::vector<AnswerDelta>> collect(const Services& services, Exchange& exchange,
                                                  Running& running);

/// Takes what comes of the answers, until all have ended.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  /// Writes the text before everything else, the first time that something is there.
  virtual void begin(std::string& out) = 0;
  /// What came of an answer; `answer` may have ended with it.
  virtual void add(std::string& out, size_t index, AnswerDelta delta, const Answer& answer) = 0;
  /// After all have ended.
  virtual void end(std::string& out) = 0;
  /// What says that the server is alive; empty if the form has nothing for it.
  [[nodiscard]] virtual std::string keep_alive() const = 0;
  [[nodiscard]] virtual std::string content_type() const = 0;
};

asio::awaitable<void> stream(const Services& services, Exchange& exchange, Running& running,
                             StreamSink& sink);

/// Notes what the answers took in the exchange.
void note_usage(Exchange& exchange, const Running& running);

/// Texts without a model of their own share the sampling of generation_config.json.
void apply_defaults(TextRequest& request, const SamplingDefaults& defaults, float temperature);

}  // namespace linnet::serve
