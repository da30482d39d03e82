// A decoder: packed tokens in, logits out.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/config.hpp"
#include "nn/attention.hpp"
#include "nn/batch.hpp"
#include "nn/embedding.hpp"
#include "nn/weights.hpp"

namespace linnet::models {

/// Embedding, blocks, a last norm and a head; a family's file adds its blocks. Immutable after
/// loading; forward() may run on several threads at once as long as their cache blocks differ.
class Model {
 public:
  virtual ~Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  /// The one forward pass of every task: writes the tokens' keys and values, and returns the logits
  /// of batch.logit_rows, [R, V] f32.
  [[nodiscard]] Array forward(const nn::Batch& batch) const;
  /// Its two halves: the rows after the last norm, [R, M] f32; and logits of any of them, [R, V].
  [[nodiscard]] Array states(const nn::Batch& batch) const;
  [[nodiscard]] Array head(const Array& states) const;

  /// What head() multiplies by, [V, M]; and how its left operand enters.
  [[nodiscard]] const ops::PackedMatrix& head_weights() const;
  [[nodiscard]] ops::Rounding rounding() const noexcept { return embed_tokens_.rounding; }

  [[nodiscard]] const DecoderConfig& config() const noexcept { return config_; }
  [[nodiscard]] const DevicePtr& device() const noexcept { return device_; }
  /// What a cache for this model holds; Batch::sequences has one entry for each.
  [[nodiscard]] const std::vector<nn::CacheGroup>& cache_groups() const noexcept {
    return cache_groups_;
  }

 protected:
  /// What differs between families outside the blocks.
  struct Options {
    float embedding_scale = 1;
    float norm_offset = 0;  ///< added to the last norm's weight
  };
  /// Reads embed_tokens, norm and, unless it is tied, the head.
  Model(DecoderConfig config, nn::Weights& weights, const Options& options);

  /// One block: [T, M] -> [T, M], or [R, M] of the rows that are Forward::kept.
  [[nodiscard]] virtual Array layer(size_t index, const Array& x,
                                    const nn::Forward& forward) const = 0;

  /// The attention of one layer, with its place in the cache; scaled by 1 / sqrt(head_dim).
  [[nodiscard]] nn::AttentionConfig attention_config(size_t layer) const;

 private:
  /// From here on only the rows whose logits are wanted go on behind attention.
  void keep_wanted_rows(const nn::Batch& batch, nn::Forward& forward) const;
  /// batch.logit_rows, [R].
  [[nodiscard]] Array rows_of(const nn::Batch& batch) const;

  DecoderConfig config_;
  DevicePtr device_;
  std::vector<nn::CacheGroup> cache_groups_;
  nn::Embedding embed_tokens_;
  nn::RmsNorm norm_;
  std::optional<nn::Linear> lm_head_;  // absent when tied to the embedding
};

}  // namespace linnet::models
