// Backends by name.
#include <gtest/gtest.h>

#include <linnet/backend.hpp>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

const LoadOptions kSmall{.context_length = 64, .threads = 1};

Backend fake(bool available = true) {
  return {.info =
              [available] {
                return BackendInfo{.name = "not asked for",
                                   .description = "a fake",
                                   .available = available,
                                   .reason = available ? "" : "it is out"};
              },
          .load =
              [](const std::filesystem::path& folder, const LoadOptions& options) {
                EXPECT_EQ(options.device, "");
                LoadOptions mine = options;
                mine.compute = Compute::f32;
                return load_model(folder, mine);
              }};
}

TEST(Backends, ThereIsTheProcessor) {
  const BackendRegistry registry;
  const auto list = registry.list();
  ASSERT_EQ(list.size(), 1U);
  const BackendInfo& cpu = list[0];
  EXPECT_EQ(cpu.name, "cpu");
  EXPECT_EQ(registry.default_name(), "cpu");
  EXPECT_TRUE(cpu.available);
  EXPECT_EQ(cpu.reason, "");
  EXPECT_NE(cpu.description, "");
  EXPECT_NE(cpu.instruction_set, "");
  EXPECT_GE(cpu.cores, 1);
  EXPECT_GT(cpu.total_memory_bytes, 0);
  EXPECT_GE(cpu.available_memory_bytes, 0);
  EXPECT_LE(cpu.available_memory_bytes, cpu.total_memory_bytes);
}

TEST(Backends, ALoadGoesToTheOneThatIsNamed) {
  const auto folder = test::reference_folder("llama3");
  BackendRegistry registry;
  registry.register_backend("exact", fake());
  const auto ids = test::random_ids(5, 1);
  const auto bf16 = load_model(folder, kSmall).logits(ids);
  LoadOptions exact_options = kSmall;
  exact_options.compute = Compute::f32;
  const auto f32 = load_model(folder, exact_options).logits(ids);
  ASSERT_NE(bf16, f32);
  EXPECT_EQ(registry.load("", folder, kSmall).logits(ids), bf16);
  EXPECT_EQ(registry.load("cpu", folder, kSmall).logits(ids), bf16);
  EXPECT_EQ(registry.load("exact", folder, kSmall).logits(ids), f32);
  LoadOptions named = kSmall;
  named.device = "exact";
  EXPECT_EQ(registry.load("", folder, named).logits(ids), f32);
  EXPECT_EQ(registry.load("exact", folder, named).logits(ids), f32);
  test::expect_error(ErrorCode::invalid_argument, "the backend is \"cpu\", but device is \"exact\"",
                     [&] { (void)registry.load("cpu", folder, named); });
  registry.set_default("exact");
  EXPECT_EQ(registry.default_name(), "exact");
  EXPECT_EQ(registry.load("", folder, kSmall).logits(ids), f32);
  EXPECT_EQ(BackendRegistry().list().size(), 1U) << "another registry knows nothing of it";
}

TEST(Backends, ErrorsNameWhatThereIs) {
  BackendRegistry registry;
  const auto refused = [](std::string_view part, const auto& body) {
    test::expect_error(ErrorCode::invalid_argument, part, body);
  };
  refused("there is no backend \"cuda\": there is \"cpu\"",
          [&] { (void)registry.load("cuda", "x", {}); });
  registry.register_backend("a", fake());
  refused("there is no backend \"cuda\": there is \"a\", \"cpu\"",
          [&] { (void)registry.get("cuda"); });
  refused("there is no backend \"\"", [&] { registry.set_default(""); });
  refused("\"a\" is registered already", [&] { registry.register_backend("a", fake()); });
  refused("\"cpu\" is registered already", [&] { registry.register_backend("cpu", fake()); });
  refused("\"A b\" is no name", [&] { registry.register_backend("A b", fake()); });
  refused("\"\" is no name", [&] { registry.register_backend("", fake()); });
  refused("is no name", [&] { registry.register_backend(std::string(65, 'a'), fake()); });
  refused("needs both info and load",
          [&] { registry.register_backend("b", {.info = fake().info, .load = {}}); });
  EXPECT_EQ(registry.list().size(), 2U);
  EXPECT_EQ(registry.get("a").name, "a") << "under the name it was registered with";
}

TEST(Backends, OneThatIsNotAvailableSaysWhy) {
  BackendRegistry registry;
  registry.register_backend("out", fake(false));
  Backend broken = fake();
  broken.info = []() -> BackendInfo { fail(ErrorCode::device, "no driver"); };
  registry.register_backend("broken", broken);
  EXPECT_EQ(registry.get("broken").reason, "no driver");
  EXPECT_FALSE(registry.get("broken").available);
  test::expect_error(ErrorCode::device, "the backend \"out\" is not available: it is out",
                     [&] { (void)registry.load("out", "x", {}); });
  test::expect_error(ErrorCode::device, "no driver",
                     [&] { (void)registry.load("broken", "x", {}); });
}

TEST(Backends, LoadModelKnowsTheProcessorAlone) {
  const auto folder = test::reference_folder("llama3");
  LoadOptions options = kSmall;
  options.device = "cpu";
  EXPECT_NO_THROW((void)load_model(folder, options));
  options.device = "cuda";
  test::expect_error(ErrorCode::invalid_argument,
                     "device \"cuda\" is not known: load_model has \"cpu\"",
                     [&] { (void)load_model(folder, options); });
  test::expect_error(ErrorCode::invalid_argument, "\"cuda\"",
                     [&] { (void)load_builtin_model(options); });
}

}  // namespace
}  // namespace linnet
