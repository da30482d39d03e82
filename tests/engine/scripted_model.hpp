// A model whose next token is decided by the test: token t is followed by next(t).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "models/model.hpp"
#include "support/test_checkpoint.hpp"

namespace linnet::test {

/// Embedding and head are the identity of kVocabulary tokens; the only layer turns the row of token
/// t into that of next(t).
class ScriptedModel final : public models::Model {
 public:
  static constexpr int64_t kVocabulary = 64;

  struct Hooks {
    std::function<int32_t(int32_t)> next = [](int32_t token) {
      return static_cast<int32_t>((token + 1) % kVocabulary);
    };
    /// Called in each forward pass with its batch.
    std::function<void(const nn::Batch&)> on_forward = [](const nn::Batch&) {};
    /// Multiplies every hidden value; NaN makes all logits NaN.
    float factor = 1;
  };

  static std::unique_ptr<ScriptedModel> make(const DevicePtr& device,
                                             std::shared_ptr<Hooks> hooks) {
    TestCheckpoint checkpoint;
    checkpoint.config = {{"model_type", "scripted"}};
    std::vector<float> identity(kVocabulary * kVocabulary);
    for (size_t i = 0; i < kVocabulary; ++i) identity[i * kVocabulary + i] = 1;
    checkpoint.tensors.resize(2);
    checkpoint.tensors[0].name = "model.embed_tokens.weight";
    checkpoint.tensors[0].shape = {kVocabulary, kVocabulary};
    checkpoint.tensors[0].set("F32", identity);
    checkpoint.tensors[1].name = "model.norm.weight";
    checkpoint.tensors[1].shape = {kVocabulary};
    checkpoint.tensors[1].set("F32", std::vector<float>(kVocabulary, 1));
    const io::Checkpoint stored = checkpoint.in_memory();
    nn::StoredWeights weights(stored, device, {});
    weights.set_places("model.", "lm_head");
    return std::unique_ptr<ScriptedModel>(new ScriptedModel(weights, std::move(hooks)));
  }

 private:
  ScriptedModel(nn::Weights& weights, std::shared_ptr<Hooks> hooks)
      : Model(decoder_config(), weights, {}), hooks_(std::move(hooks)) {}

  static models::DecoderConfig decoder_config() {
    models::DecoderConfig config;
    config.vocab_size = config.hidden_size = kVocabulary;
    config.num_hidden_layers = config.num_attention_heads = config.num_key_value_heads = 1;
    config.head_dim = 32;
    config.rms_norm_eps = 1e-6;
    config.tie_word_embeddings = true;
    config.layers.resize(1);
    return config;
  }

  [[nodiscard]] Array layer(size_t /*index*/, const Array& x,
                            const nn::Forward& forward) const override {
    hooks_->on_forward(forward.batch);
    std::vector<float> rows(static_cast<size_t>(x.size()));
    for (size_t t = 0; t < forward.batch.ids.size(); ++t)
      rows[t * kVocabulary + static_cast<size_t>(hooks_->next(forward.batch.ids[t]))] = 1;
    for (float& value : rows) value *= hooks_->factor;
    return Array::from(rows, x.shape(), x.device());
  }

  std::shared_ptr<Hooks> hooks_;
};

}  // namespace linnet::test
