#include "cli/model_identity.hpp"

#include "api/engine_of.hpp"
#include "api/state.hpp"
#include "base/checksum.hpp"
#include "engine/engine.hpp"

namespace linnet::cli {

nlohmann::ordered_json model_identity(const TextModel& model) {
  Checksum chat_template;
  try {
    chat_template.add(model.chat_template().source());
  } catch (const Error&) {  // there is none that could make a difference
  }
  nlohmann::ordered_json identity{{"logits", engine_of(model).fingerprint()},
                                  {"tokenizer", ModelLoader::state(model).tokenizer_checksum},
                                  {"chat_template", chat_template.hex()}};
  if (const auto& adapter = engine_of(model).adapter()) identity["adapter"] = adapter->key();
  return identity;
}

}  // namespace linnet::cli
