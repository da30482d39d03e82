// How a model is loaded and how text is generated: plain structs with designated initialisers.
#pragma once

#include <linnet/grammar.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace linnet {

/// The arithmetic of a model. The residual stream, norms, softmax and sums are float32 in both.
enum class Compute {
  bf16,  ///< operands of matrix products and the key/value cache are rounded to bfloat16
  f32,   ///< the reference: nothing is rounded; weights are exactly what the file holds
};

/// Weights in groups of few bits: w is about scale * q + bias with q in 0 .. 2^bits - 1, scale and
/// bias shared by group_size consecutive inputs of one output. It is MLX's affine quantisation, to
/// the bit.
struct QuantizeOptions {
  int bits = 0;         ///< 2, 3, 4, 5, 6 or 8; 0: not quantised
  int group_size = 64;  ///< 32, 64 or 128
};

/// Bytes of weights read so far and in all.
struct LoadProgress {
  int64_t done_bytes = 0;
  int64_t total_bytes = 0;
};

/// How a model is loaded. Values out of range are ErrorCode::invalid_argument at load_model().
struct LoadOptions {
  Compute compute = Compute::bf16;
  /// If bits are given, the matrices of a dense checkpoint are quantised as they are read, except
  /// those whose inputs are no multiple of the group size. The model is the same to the bit as the
  /// one that quantize_model() writes. A checkpoint that is quantised already is loaded as it is,
  /// without this option.
  QuantizeOptions quantize = {};
  /// Longest sequence (prompt and answer) that a request may reach; 0: what the model was trained
  /// for (max_position_embeddings).
  int64_t context_length = 0;
  /// Bytes that weights, caches and workspace together may take; 0: the machine's physical memory.
  int64_t memory_budget = 0;
  /// Threads of this model's pool, the calling thread included; 0: one per physical core.
  int threads = 0;
  /// Requests that share forward passes; further ones wait. 1..256.
  int64_t max_batch = 32;
  /// Requests that may wait beside those; one more is ErrorCode::busy. >= 0.
  int64_t max_queue = 1024;
  /// Bytes of keys and values that are kept of earlier prompts and answers, at most, so that later
  /// ones that begin alike need not be computed again; they go when requests need the memory. An
  /// answer has the same bits with and without. 0: none.
  int64_t prefix_cache_bytes = int64_t{128} << 20;
  /// Folder of a low-rank adapter (PEFT's or mlx-lm's) for every request that names none. Its
  /// weights stay beside the model's own, dense or quantised. Empty: none.
  std::filesystem::path adapter = {};
  /// A smaller model of the same vocabulary, loaded beside this one with the same arithmetic, which
  /// guesses for GenerateOptions::speculate; empty: none. The budget holds both, and a cache of one
  /// context for it. Changes no bit of an answer.
  std::filesystem::path draft = {};
  /// What computes; empty: the default. load_model knows "cpu" alone (see BackendRegistry).
  std::string device = {};
  /// Called on the loading thread after each tensor; an exception from it ends the loading.
  std::function<void(const LoadProgress&)> progress = {};
};

/// How quantize_model() writes. Values out of range are ErrorCode::invalid_argument.
struct QuantizeModelOptions {
  QuantizeOptions quantize = {.bits = 4, .group_size = 64};
  /// Whether a checkpoint that stands where the new one is to be may be replaced; it stays whole
  /// until the new one is.
  bool replace = false;
  /// A file of tensors takes no further tensor beyond it.
  int64_t shard_bytes = 5'000'000'000;
  /// Threads, the calling thread included; 0: one per physical core.
  int threads = 0;
  /// Called on the calling thread with the bytes read so far; an exception from it ends the work,
  /// and nothing is left of it.
  std::function<void(const LoadProgress&)> progress = {};
};

/// How a continuation is sampled and when it ends. The values are applied to the logits in this
/// order: repetition penalty, frequency and presence penalty, logit bias, temperature, top-k,
/// top-p, min-p. Values out of range are ErrorCode::invalid_argument at the call.
struct GenerateOptions {
  /// Tokens to generate at most, >= 0.
  int64_t max_tokens = 256;
  /// Logits are divided by it; 0 takes the largest logit after penalties and bias (greedy; ties go
  /// to the lower id), and top_k, top_p, min_p and seed have no effect.
  float temperature = 0;
  /// Keep the k likeliest tokens; 0: all.
  int64_t top_k = 0;
  /// Keep the likeliest tokens whose probabilities reach p together, at least one; in (0, 1], 1:
  /// all.
  float top_p = 1;
  /// Keep tokens at least p times as likely as the likeliest; in [0, 1], 0: all.
  float min_p = 0;
  /// Of the request's own random stream: the same request with the same seed gives the same tokens.
  uint64_t seed = 0;
  /// Logits of tokens seen in prompt or answer are divided by it if positive, multiplied if
  /// negative (Keskar et al. 2019; > 0, 1: off).
  float repetition_penalty = 1;
  /// Subtracted from a token's logit once for each time it was generated.
  float frequency_penalty = 0;
  /// Subtracted from a token's logit if it was generated at all.
  float presence_penalty = 0;
  /// Added to the logits of the named ids; -infinity forbids a token.
  std::vector<std::pair<int32_t, float>> logit_bias = {};
  /// Ids that end the text, beside the model's own end-of-sequence ids; they are not part of it.
  std::vector<int32_t> stop_ids = {};
  /// Texts that end the text where they would begin; they are not part of it, however tokens cut
  /// them. What might still become one is held back, and nothing else. At most 64 of 4096 bytes.
  std::vector<std::string> stop_strings = {};
  /// Before so many tokens no end-of-sequence or stop id can be chosen, and no stop string counts.
  int64_t min_tokens = 0;
  /// Whether the model's own end-of-sequence ids, in a chat that of a turn too, are tokens like any
  /// other. stop_ids still end it.
  bool ignore_eos = false;
  /// Words that are not written: a token that would complete one, as the tokenizer writes it alone
  /// or after a space, is not chosen. Other ways to spell them remain. At most 1024.
  std::vector<std::string> bad_words = {};
  /// The form that the text must have; empty: any. While it is not complete, no end-of-sequence or
  /// stop id can be chosen.
  Grammar grammar = {};
  /// The likeliest tokens to list with each one, Token::top; 0..100.
  int64_t top_logprobs = 0;
  /// Guesses of the next tokens that a step may check, 0..16; 0: none. They come from
  /// LoadOptions::draft if there is one, else from what followed the last few tokens earlier in the
  /// text. The answer has the same bits with and without. Steps that guess are left out while they
  /// do not pay.
  int64_t speculate = 0;
  /// Whether the tokenizer adds what it adds to a text by default (a beginning-of-sequence token).
  bool add_special_tokens = true;
  /// Name of the adapter (TextModel::load_adapter) that answers; empty: LoadOptions::adapter, if
  /// there is one. Requests with different adapters share forward passes, and each has the bits
  /// that it has alone. ErrorCode::not_found if there is none of that name.
  std::string adapter = {};
  /// Requests of higher priority are admitted, and get memory, before others; among equals the
  /// first comes first.
  int priority = 0;
  /// Seconds that the request may wait before it begins, else ErrorCode::busy; 0: no limit.
  double max_queue_seconds = 0;
  /// When a stop is requested the generation ends before its next token, with
  /// FinishReason::cancelled.
  std::stop_token stop = {};
};

}  // namespace linnet
