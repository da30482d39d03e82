// Where work goes that would hold up the network thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "serve/api_error.hpp"

namespace linnet::serve {

namespace asio = boost::asio;

/// Runs a function on a pool; the caller goes on where it was, with its result or exception.
template <class Function>
asio::awaitable<std::invoke_result_t<Function&>> run_on(asio::thread_pool& pool,
                                                        Function function) {
  using Result = std::invoke_result_t<Function&>;
  // The function is a parameter of the inner coroutine, not a capture: its frame must own it.
  if constexpr (std::is_void_v<Result>) {
    auto body = [](Function work) -> asio::awaitable<void> {
      work();
      co_return;
    };
    auto work = body(std::move(function));
    co_await asio::co_spawn(pool, std::move(work), asio::use_awaitable);
  } else {
    // What is handed from pool to pool must have a default value; a result need not.
    auto body = [](Function work) -> asio::awaitable<std::optional<Result>> { co_return work(); };
    auto work = body(std::move(function));
    std::optional<Result> result =
        co_await asio::co_spawn(pool, std::move(work), asio::use_awaitable);
    co_return *std::move(result);
  }
}

/// Two pools, because what takes long must not hold up what is quick. Used on the network thread.
class Workers {
 public:
  /// At most `readers` long calls at a time, and `queue` that wait for them.
  Workers(int readers, int64_t queue)
      : quick_(2), readers_(static_cast<size_t>(readers)), loaders_(2), limit_(readers + queue) {}

  /// For what takes milliseconds: parsing, tokenising, writing a prompt.
  template <class Function>
  asio::awaitable<std::invoke_result_t<Function&>> quick(Function function) {
    return run_on(quick_, std::move(function));
  }

  /// For loading models.
  template <class Function>
  asio::awaitable<std::invoke_result_t<Function&>> load(Function function) {
    return run_on(loaders_, std::move(function));
  }

  /// For calls that read prompts and wait for the model. Errors: ApiError 429 if too many wait.
  template <class Function>
  asio::awaitable<std::invoke_result_t<Function&>> read(Function function) {
    const Slot slot(*this);
    co_return co_await run_on(readers_, std::move(function));
  }

  /// Long calls that run or wait.
  [[nodiscard]] int64_t reading() const noexcept { return reading_; }

  /// Waits for all that runs; what waits is given up.
  void stop() {
    for (asio::thread_pool* pool : {&quick_, &readers_, &loaders_}) pool->stop();
    for (asio::thread_pool* pool : {&quick_, &readers_, &loaders_}) pool->join();
  }

 private:
  class Slot {
   public:
    explicit Slot(Workers& workers) : workers_(workers) {
      if (workers.reading_ >= workers.limit_)
        throw ApiError(429, "too many requests wait: try again later", "queue_full");
      ++workers.reading_;
    }
    ~Slot() { --workers_.reading_; }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

   private:
    Workers& workers_;
  };

  asio::thread_pool quick_;
  asio::thread_pool readers_;
  asio::thread_pool loaders_;
  int64_t limit_;
  int64_t reading_ = 0;
};

}  // namespace linnet::serve
