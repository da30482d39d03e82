// Loaded models for the tests of the public interface.
#pragma once

#include <linnet/linnet.hpp>

#include <string>
#include <vector>

#include "api/engine_of.hpp"
#include "engine/engine.hpp"
#include "support/test_checkpoint.hpp"

namespace linnet::test {

/// The reference checkpoint of a family with a tokenizer and, unless 0, another
/// max_position_embeddings.
inline TestCheckpoint with_tokenizer(const std::string& family, int64_t context = 0) {
  TestCheckpoint checkpoint = TestCheckpoint::reference(family);
  checkpoint.files["tokenizer.json"] = small_tokenizer().dump();
  if (context > 0) checkpoint.config["max_position_embeddings"] = context;
  return checkpoint;
}

inline TextModel load(const TestCheckpoint& checkpoint, const LoadOptions& options = {}) {
  const WrittenCheckpoint written(checkpoint);  // nothing of it is needed after loading
  return load_model(written.path(), options);
}

/// What a model holds once nothing runs any more: a request that was dropped is gone after the step
/// that is under way.
inline int64_t settled_bytes(const TextModel& model) {
  engine_of(model).scheduler().wait_until_idle();
  return model.memory().active_bytes;
}

inline std::vector<int32_t> ids_of(Generation generation) {
  std::vector<int32_t> ids;
  for (const Token& token : generation) ids.push_back(token.id);
  return ids;
}

}  // namespace linnet::test
