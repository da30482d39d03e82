// A session as a file: tokens, and their keys and values.
//
//   bytes  0.. 7  "linnetSN"
//          8..11  version of this layout, little-endian: 1
//         12..15  length of the header, little-endian
//   header        JSON: {"model", "tokenizer", "adapter": identities; "tokens": N; "cached": C;
//   "groups":
//                 [{"window", "block_bytes", "first", "blocks"}, ...]}
//   N * 4 bytes   token ids, little-endian
//   blocks        of each group, from its block "first" on, as they lie in memory
//   32 bytes      checksum of everything before it, in hexadecimal (base/checksum)
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/held_cache.hpp"

namespace linnet::engine {

class Engine;

/// What a session's bits depend on, beside the adapter of its last turn: the file has that one's
/// key, and a turn with another computes the text again. `model` is what the model computes
/// (Engine::fingerprint), so two files with the same weights are one model.
struct SessionIdentity {
  std::string model;
  std::string tokenizer;
};

/// Writes a file whole or not at all. Errors: not_found, device.
void write_session(const std::filesystem::path& file, const SessionIdentity& identity,
                   std::span<const int32_t> ids, const HeldCache& cache);

struct SavedSession {
  std::vector<int32_t> ids;
  std::shared_ptr<HeldCache> cache;  ///< empty where there is no memory for it now
};

/// Reads what write_session() wrote. Errors: not_found; malformed_file for anything that is not
/// such a file to the last bit; invalid_argument for another identity, or more tokens than the
/// context takes.
SavedSession read_session(const std::filesystem::path& file, const SessionIdentity& identity,
                          Engine& engine);

}  // namespace linnet::engine
