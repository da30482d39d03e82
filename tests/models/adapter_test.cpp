// PEFT's own adapters on the reference models: its logits, and rows with and without an adapter in
// one batch.
#include <gtest/gtest.h>

#include <cmath>

#include "nn/adapter_load.hpp"
#include "support/expect_error.hpp"
#include "support/reference.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

using test::device;

struct Adapted {
  std::shared_ptr<models::Model> model;
  std::shared_ptr<nn::Adapter> adapter;
  std::vector<int32_t> ids;
  std::vector<float> logits;

  Adapted(const std::string& family, const DevicePtr& on) {
    auto loaded = models::load(io::Checkpoint::open(test::reference_folder(family)), on,
                               {.compute = Compute::f32});
    model = std::move(loaded.model);
    const auto folder = test::reference_folder(family + "-peft-lora");
    adapter = nn::load_adapter(io::AdapterFile::open(folder), "peft", loaded.modules, on);
    const auto golden = io::SafetensorsFile::open(folder / "golden.safetensors");
    ids = test::read_tensor<int32_t>(golden, "ids");
    logits = test::read_tensor<float>(golden, "logits");
  }

  /// Logits of all rows of the golden ids, `times` after one another, with the adapters given.
  [[nodiscard]] std::vector<float> run(int64_t times, std::vector<nn::AdapterRows> adapters) const {
    nn::Batch batch{.adapters = std::move(adapters)};
    for (int64_t s = 0; s < times; ++s) {
      batch.lengths.push_back(static_cast<int64_t>(ids.size()));
      for (size_t t = 0; t < ids.size(); ++t) {
        batch.ids.push_back(ids[t]);
        batch.positions.push_back(static_cast<int64_t>(t));
        batch.logit_rows.push_back(static_cast<int32_t>(batch.ids.size()) - 1);
      }
    }
    return model->forward(batch).to_vector<float>();
  }
};

class PeftAdapter : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, PeftAdapter, ::testing::Values("gemma3", "qwen3"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(PeftAdapter, HasPeftsLogits) {
  const Adapted a(GetParam(), device());
  const int64_t rows = 24;
  const std::vector<float> logits = a.run(1, {{0, rows, a.adapter.get()}});
  ASSERT_EQ(logits.size(), a.logits.size());
  double largest = 0;
  for (const float value : a.logits) largest = std::max(largest, std::fabs(double{value}));
  for (size_t i = 0; i < logits.size(); ++i)
    ASSERT_NEAR(logits[i], a.logits[i], 1e-4 * largest) << i;
}

TEST_P(PeftAdapter, RowsBesideItKeepTheirBits) {
  for (const DevicePtr& on : {test::all_devices().front(), test::all_devices().back()}) {
    const Adapted a(GetParam(), on);
    const std::vector<float> plain = a.run(1, {});
    const std::vector<float> adapted = a.run(1, {{0, 24, a.adapter.get()}});
    EXPECT_NE(plain, adapted);
    // Of three sequences the middle one is adapted.
    const std::vector<float> mixed = a.run(3, {{24, 24, a.adapter.get()}});
    const auto part = [&](size_t s) {
      const auto begin = mixed.begin() + static_cast<int64_t>(s * plain.size());
      return std::vector<float>(begin, begin + static_cast<int64_t>(plain.size()));
    };
    EXPECT_TRUE(part(0) == plain);
    EXPECT_TRUE(part(1) == adapted);
    EXPECT_TRUE(part(2) == plain);
  }
}

TEST(PeftAdapter, OfAnotherModelIsRefused) {
  auto loaded = models::load(io::Checkpoint::open(test::reference_folder("llama3")), device(),
                             {.compute = Compute::f32});
  const auto file = io::AdapterFile::open(test::reference_folder("gemma3-peft-lora"));
  test::expect_error(ErrorCode::invalid_argument, "layers.", [&] {
    static_cast<void>(nn::load_adapter(file, "x", loaded.modules, device()));
  });
}

}  // namespace
}  // namespace linnet
