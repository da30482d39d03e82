// The estimate of a pass's memory against what passes take.
#include "train/memory.hpp"

#include <gtest/gtest.h>

#include "support/reference.hpp"
#include "support/sanitized.hpp"
#include "train/gradients.hpp"

namespace linnet::train {
namespace {

constexpr int64_t kTokens = test::rounds(1536, 256);
constexpr int64_t kLogits = int64_t{8} << 20;

Pack pack_of(int64_t vocabulary) {
  Pack pack{.lengths = {kTokens / 2, kTokens / 2}};
  for (int64_t t = 0; t < kTokens; ++t) {
    pack.ids.push_back(static_cast<int32_t>(t * 7 % vocabulary));
    pack.weights.push_back(t % (kTokens / 2) == 0 ? 0.0F : 1.0F);
  }
  return pack;
}

/// Bytes that a step's gradients take at most, beside what is there before it.
int64_t measured(const Subject& subject, const LossOptions& options) {
  MemoryPool& memory = subject.device()->memory();
  const Pack pack = pack_of(500);
  const int64_t before = memory.stats().active_bytes;
  memory.reset_peak();
  static_cast<void>(gradients_of(subject, {&pack, 1}, options));
  return memory.stats().peak_bytes - before;
}

TEST(PassBytes, AreEnoughAndNotFarMore) {
  std::vector<std::string> families = test::reference_families();
  if (test::kSanitized) families.resize(1);
  for (const std::string& family : families)
    for (const Compute compute : {Compute::f32, Compute::bf16})
      for (const bool again : {false, true})
        for (const bool all : {false, true}) {
          SCOPED_TRACE(fmt::format("{} {} {} {}", family, compute == Compute::f32 ? "f32" : "bf16",
                                   again ? "again" : "once", all ? "full" : "lora"));
          const DevicePtr device = Device::cpu({.threads = 1, .memory_limit = int64_t{4} << 30});
          const auto checkpoint = io::Checkpoint::open(test::reference_folder(family));
          std::unique_ptr<Subject> subject;
          auto loaded = models::load(checkpoint, device, {.compute = compute});
          const models::DecoderConfig config = loaded.model->config();
          if (all)
            subject = std::make_unique<FullSubject>(checkpoint, device, compute);
          else
            subject = std::make_unique<LoraSubject>(
                std::shared_ptr<const models::Model>(std::move(loaded.model)), loaded.modules,
                LoraOptions{.targets = {"*_proj"}});
          const int64_t planned = pass_bytes(config, {.tokens = kTokens,
                                                      .checkpoint_layers = again,
                                                      .narrow = compute == Compute::bf16,
                                                      .adapted = all ? 0 : 7,
                                                      .trained = subject->elements(),
                                                      .logits_bytes = kLogits});
          const int64_t taken =
              measured(*subject, {.checkpoint_layers = again, .logits_bytes = kLogits});
          EXPECT_LE(taken, planned);
          EXPECT_GE(taken, (planned - (int64_t{48} << 20)) / 4);
        }
}

}  // namespace
}  // namespace linnet::train
