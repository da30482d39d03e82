// What a fork and a join cost.
#include "ops/bench.hpp"
#include "ops/families.hpp"

namespace linnet::bench {

void register_threads() {
  add("fork_join", [] {
    return Prepared{.run = [] { device()->threads().run_on_all([](int, int) {}); },
                    .check =
                        [] {
                          std::atomic<int> calls{0};
                          device()->threads().run_on_all([&](int, int) { ++calls; });
                          return calls == device()->threads().size()
                                     ? std::string()
                                     : std::string("not every thread was called");
                        },
                    .work = {}};
  });
}

}  // namespace linnet::bench
