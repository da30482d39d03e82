// Finding models: plain folders, Hugging Face caches, what is broken, and what has no end.
#include <gtest/gtest.h>

#include <algorithm>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"
#include "support/hub_cache.hpp"
#include "support/temporary_folder.hpp"

namespace linnet {
namespace {

namespace fs = std::filesystem;
using test::TestCheckpoint;

std::vector<std::string> names(const std::vector<FoundModel>& models) {
  std::vector<std::string> result;
  for (const FoundModel& model : models) result.push_back(model.name);
  return result;
}

using Names = std::vector<std::string>;

class Discover : public testing::Test {
 protected:
  [[nodiscard]] const fs::path& root() const { return folder_.path(); }
  void write(const fs::path& place, const std::string& family = "llama3") const {
    TestCheckpoint::reference(family).write(root() / place);
  }

 private:
  test::TemporaryFolder folder_;
};

TEST_F(Discover, SaysOfEachFolderWhatItsHeadersSay) {
  write("b/qwen", "qwen3");
  write("a", "llama3");
  test::write_text(root() / "c" / "readme.txt", "no model");
  const auto found = discover(root());
  ASSERT_EQ(names(found), (Names{"a", "b/qwen"}));
  for (const FoundModel& model : found) {
    const ModelInfo info = inspect_model(model.path);
    EXPECT_TRUE(model.supported);
    EXPECT_TRUE(model.preferred);
    EXPECT_EQ(model.problem, "");
    EXPECT_EQ(model.revision, "");
    EXPECT_EQ(model.architecture, info.architecture);
    EXPECT_EQ(model.parameters, info.parameters);
    EXPECT_EQ(model.stored_bytes, info.stored_bytes);
    EXPECT_EQ(model.dtype, "bf16");
    EXPECT_EQ(model.quantization, "none");
  }
  EXPECT_EQ(found[0].path, root() / "a");
  EXPECT_EQ(found[1].architecture, "Qwen3ForCausalLM");
  const auto quantized = discover(test::reference_folder("llama3-4-32"));
  ASSERT_EQ(quantized.size(), 1U);
  EXPECT_EQ(quantized[0].name, "llama3-4-32");
  EXPECT_EQ(quantized[0].quantization, "4 bits in groups of 32");
}

TEST_F(Discover, ListsWhatCannotBeReadWithTheReason) {
  write("good");
  TestCheckpoint strange = TestCheckpoint::reference("llama3");
  strange.config["architectures"] = {"StrangeForCausalLM"};
  strange.config["model_type"] = "strange";
  strange.write(root() / "strange");
  test::write_text(root() / "empty" / "config.json", "");
  test::write_text(root() / "config-alone" / "config.json", R"({"model_type": "llama"})");
  fs::create_directories(root() / "broken-link");
  fs::create_symlink(root() / "nowhere", root() / "broken-link" / "config.json");
  fs::create_directories(root() / "folder" / "config.json");
  const auto found = discover(root());
  ASSERT_EQ(names(found),
            (Names{"broken-link", "config-alone", "empty", "folder", "good", "strange"}));
  for (const FoundModel& model : found) {
    EXPECT_EQ(model.supported, model.name == "good") << model.name;
    EXPECT_EQ(model.problem.empty(), model.name == "good") << model.name;
  }
  EXPECT_NE(found[0].problem.find("config.json"), std::string::npos) << found[0].problem;
  EXPECT_NE(found[1].problem.find("model.safetensors"), std::string::npos) << found[1].problem;
  EXPECT_NE(found[5].problem.find("strange"), std::string::npos) << found[5].problem;
  EXPECT_EQ(found[5].architecture, "StrangeForCausalLM");
  EXPECT_EQ(found[2].architecture, "");
}

TEST_F(Discover, UnderstandsAHuggingFaceCache) {
  const TestCheckpoint llama = TestCheckpoint::reference("llama3");
  add_snapshot(root(), "models--org--tiny-llama", "aaaa", llama);
  const fs::path main = add_snapshot(root(), "models--org--tiny-llama", "bbbb", llama);
  add_snapshot(root(), "models--org--tiny-llama", "cccc", llama);
  test::set_main(root(), "models--org--tiny-llama", "bbbb\n");
  add_snapshot(root(), "models--alone", "dddd", TestCheckpoint::reference("gemma3"));
  test::write_text(root() / "models--org--gguf" / "snapshots" / "eeee" / "model.gguf", "GGUF");
  // Not searched: hidden folders, and what lies beside the snapshots.
  test::write_text(root() / ".locks" / "models--x" / "config.json", "");
  test::write_text(root() / "models--alone" / ".no_exist" / "dddd" / "config.json", "");
  test::write_text(root() / "models--alone" / "blobs" / "config.json", "");
  const auto found = discover(root());
  ASSERT_EQ(names(found), (Names{"alone", "org/tiny-llama", "org/tiny-llama", "org/tiny-llama"}));
  EXPECT_EQ(found[0].revision, "dddd");
  EXPECT_TRUE(found[0].preferred) << "no refs/main, and no other";
  EXPECT_EQ(found[1].revision, "bbbb") << "the preferred one is first";
  EXPECT_EQ(found[1].path, main);
  EXPECT_TRUE(found[1].preferred);
  EXPECT_EQ(found[2].revision, "aaaa");
  EXPECT_EQ(found[3].revision, "cccc");
  EXPECT_FALSE(found[2].preferred || found[3].preferred);
  for (const FoundModel& model : found) EXPECT_TRUE(model.supported) << model.problem;
  // The same names from inside the cache.
  for (const fs::path& inside : {root() / "models--org--tiny-llama", main.parent_path(), main}) {
    const auto part = discover(inside);
    ASSERT_FALSE(part.empty()) << inside;
    EXPECT_EQ(part[0].name, "org/tiny-llama");
    EXPECT_EQ(part[0].revision, "bbbb");
    EXPECT_TRUE(part[0].preferred);
  }
}

TEST_F(Discover, FollowsLinksOnceAndEndsInLoops) {
  write("real/model");
  fs::create_symlink(root(), root() / "a-loop");
  fs::create_symlink("self", root() / "self");
  fs::create_symlink(root() / "real", root() / "another-name");
  fs::create_directories(root() / "x" / "y");
  fs::create_symlink(root() / "x", root() / "x" / "y" / "z");
  test::TemporaryFolder elsewhere;
  TestCheckpoint::reference("qwen2").write(elsewhere.path() / "outside");
  fs::create_symlink(elsewhere.path(), root() / "linked");
  EXPECT_EQ(names(discover(root())), (Names{"linked/outside", "real/model"}));
}

TEST_F(Discover, LooksNoDeeperThanAsked) {
  write("one");
  write("1/two");
  write("1/2/three");
  EXPECT_EQ(names(discover(root(), {.max_depth = 0})), Names{});
  EXPECT_EQ(names(discover(root(), {.max_depth = 1})), Names{"one"});
  EXPECT_EQ(names(discover(root(), {.max_depth = 2})), (Names{"1/two", "one"}));
  EXPECT_EQ(names(discover(root(), {.max_depth = 3})), (Names{"1/2/three", "1/two", "one"}));
  // A model is not searched, unless it is what was named.
  write("one/inside");
  EXPECT_EQ(names(discover(root(), {.max_depth = 2})), (Names{"1/two", "one"}));
  EXPECT_EQ(names(discover(root() / "one")), (Names{"inside", "one"}));
}

TEST_F(Discover, RefusesWhatHasNoEnd) {
  for (int i = 0; i < 20; ++i) test::write_text(root() / std::to_string(i) / "file", "");
  EXPECT_NO_THROW((void)discover(root(), {.max_entries = 40}));
  test::expect_error(ErrorCode::invalid_argument, "more than 39 files and folders",
                     [&] { (void)discover(root(), {.max_entries = 39}); });
  test::expect_error(ErrorCode::invalid_argument, "max_entries 0 is not positive",
                     [&] { (void)discover(root(), {.max_entries = 0}); });
  test::expect_error(ErrorCode::invalid_argument, "max_depth 65 is outside 0..64",
                     [&] { (void)discover(root(), {.max_depth = 65}); });
  test::expect_error(ErrorCode::not_found, "nowhere", [&] { (void)discover(root() / "nowhere"); });
  test::expect_error(ErrorCode::not_found, "file", [&] { (void)discover(root() / "0" / "file"); });
}

TEST_F(Discover, FindsAModelByNameOrPath) {
  const TestCheckpoint llama = TestCheckpoint::reference("llama3");
  const std::vector<fs::path> caches{root() / "first", root() / "second", root() / "absent"};
  const fs::path only = add_snapshot(caches[1], "models--org--name", "aaaa", llama);
  EXPECT_EQ(find_model("org/name", caches), only);
  EXPECT_NO_THROW((void)inspect_model(find_model("org/name", caches)));
  EXPECT_EQ(find_model((root() / "second").native(), caches), root() / "second")
      << "an existing folder is itself";
  // The first cache wins, and there refs/main; a refs/main of nothing does not.
  add_snapshot(caches[0], "models--org--name", "bbbb", llama);
  const fs::path main = add_snapshot(caches[0], "models--org--name", "cccc", llama);
  test::set_main(caches[0], "models--org--name", "cccc");
  EXPECT_EQ(find_model("org/name", caches), main);
  test::set_main(caches[0], "models--org--name", "../../../../second");
  fs::last_write_time(main, fs::last_write_time(main) + std::chrono::hours(1));
  EXPECT_EQ(find_model("org/name", caches), main) << "the newest";
  const fs::path alone = add_snapshot(caches[0], "models--alone", "dddd", llama);
  EXPECT_EQ(find_model("alone", caches), alone);
}

TEST_F(Discover, SaysWhereItLookedForAModel) {
  const std::vector<fs::path> caches{root() / "first", root() / "second"};
  const auto fails = [&](std::string_view name, std::string_view part) {
    test::expect_error(ErrorCode::not_found, part, [&] { (void)find_model(name, caches); });
  };
  fails("org/absent", "org/absent is no folder here, and no model of that name is in " +
                          (root() / "first").string() + ", " + (root() / "second").string());
  fails("/no/such/folder", "/no/such/folder: there is no such folder");
  fails("../../x", "there is no such folder");
  fails("org/../x", "there is no such folder");
  fails("", "there is no such folder");
  test::write_text(root() / "file", "");
  fails((root() / "file").native(), "is not a folder");
  test::expect_error(ErrorCode::not_found, "none is known",
                     [&] { (void)find_model("org/absent", std::vector<fs::path>{}); });
  // A model's folder without a snapshot is no model.
  fs::create_directories(caches[0] / "models--org--empty" / "snapshots");
  fails("org/empty", "no model of that name");
}

}  // namespace
}  // namespace linnet
