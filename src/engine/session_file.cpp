#include "engine/session_file.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "base/checked.hpp"
#include "base/checksum.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "engine/engine.hpp"

namespace linnet::engine {
namespace {

static_assert(std::endian::native == std::endian::little, "the file's numbers are little-endian");

constexpr std::string_view kMagic = "linnetSN";
constexpr uint32_t kVersion = 1;
constexpr size_t kStart = 16;
constexpr int64_t kMaxHeader = 1 << 16;
constexpr int64_t kChecksum = 32;
constexpr std::string_view kFormat = "a session of linnet";

/// Everything that is written, and its checksum.
class Writer {
 public:
  explicit Writer(const std::filesystem::path& file) : file_(file, 0600) {}

  void write(std::span<const std::byte> bytes) {
    checksum_.add(bytes);
    file_.write(bytes);
  }
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void number(uint32_t value) { write(std::as_bytes(std::span(&value, 1))); }
  void commit() {
    file_.write(checksum_.hex());
    file_.commit();
  }

 private:
  AtomicFile file_;
  Checksum checksum_;
};

/// The blocks of a group that a sequence has.
struct GroupBlocks {
  int64_t first = 0;
  std::vector<KvBlock> blocks;
};

GroupBlocks blocks_of(const KvSequence& sequence, size_t group) {
  const int64_t count = ceil_div(sequence.length(), kernels::kBlockTokens);
  GroupBlocks result;
  for (int64_t i = 0; i < count; ++i) {
    KvBlock block = sequence.block(group, i);
    if (block)
      result.blocks.push_back(std::move(block));
    else
      result.first = i + 1;
  }
  return result;
}

/// A file's bytes, taken from the front.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, std::string name)
      : bytes_(bytes), name_(std::move(name)) {}

  std::span<const std::byte> take(int64_t count) {
    if (count < 0 || count > left())
      fail(ErrorCode::malformed_file, "{}: {} bytes are expected where {} are left", name_, count,
           left());
    const auto result = bytes_.first(static_cast<size_t>(count));
    bytes_ = bytes_.subspan(static_cast<size_t>(count));
    return result;
  }
  uint32_t number() {
    uint32_t value = 0;
    std::memcpy(&value, take(sizeof(value)).data(), sizeof(value));
    return value;
  }
  [[nodiscard]] int64_t left() const { return static_cast<int64_t>(bytes_.size()); }

 private:
  std::span<const std::byte> bytes_;
  std::string name_;
};

void check_identity(const Json& header, const SessionIdentity& identity, const std::string& name) {
  const auto check = [&](const char* key, const std::string& expected) {
    const std::string_view found = header.at(key).as_string();
    require(found == expected, "{} was written with another {}: it has {}, this one {}", name, key,
            found.empty() ? "none" : found, expected.empty() ? "none" : expected);
  };
  check("model", identity.model);
  check("tokenizer", identity.tokenizer);
}

/// The key of the adapter that keys and values were computed with; empty: none.
std::string adapter_of(const Json& header, const std::string& name) {
  const std::string key(header.at("adapter").as_string());
  const bool is_key = key.size() == static_cast<size_t>(kChecksum) &&
                      key.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!key.empty() && !is_key)
    fail(ErrorCode::malformed_file, "{}: \"adapter\" is no adapter's key", name);
  return key;
}

/// The blocks of all groups, or nothing if there is no memory for them.
std::optional<std::vector<std::vector<KvBlock>>> read_blocks(Reader& reader, const Json& header,
                                                             int64_t cached, KvPool& pool,
                                                             const std::string& name) {
  const auto groups = header.at("groups").elements();
  const auto bad = [&](std::string_view what) {
    fail(ErrorCode::malformed_file, "{}: {} is not that of a session of {} tokens", name, what,
         cached);
  };
  if (groups.size() != pool.groups().size()) bad("the number of groups");
  const int64_t count = ceil_div(cached, kernels::kBlockTokens);
  std::vector<std::vector<KvBlock>> result;
  bool fits = true;
  for (size_t g = 0; g < groups.size(); ++g) {
    const nn::CacheGroup& group = pool.groups()[g];
    const int64_t first = groups[g].at("first").as_integer();
    const int64_t blocks = groups[g].at("blocks").as_integer();
    if (groups[g].at("window").as_integer() != group.window) bad("a group's window");
    if (groups[g].at("block_bytes").as_integer() != group.block_bytes()) bad("a block's size");
    const int64_t oldest = group.window == 0 ? 0 : std::max<int64_t>(0, cached - group.window + 1);
    if (first < 0 || blocks < 0 || first > std::min(oldest / kernels::kBlockTokens, count) ||
        blocks != count - first)
      bad("a group's range of blocks");
    const auto bytes = reader.take(checked_mul(blocks, group.block_bytes()));
    std::vector<KvBlock> of(static_cast<size_t>(first));
    try {
      if (fits)
        for (KvBlock& block : pool.acquire(g, blocks)) of.push_back(std::move(block));
    } catch (const Error&) {
      fits = false;
    }
    if (!fits) continue;
    const auto size = static_cast<size_t>(group.block_bytes());
    for (size_t i = 0; i < static_cast<size_t>(blocks); ++i)
      std::memcpy(of[static_cast<size_t>(first) + i]->data(), bytes.data() + i * size, size);
    result.push_back(std::move(of));
  }
  if (!fits) return std::nullopt;
  return result;
}

}  // namespace

void write_session(const std::filesystem::path& file, const SessionIdentity& identity,
                   std::span<const int32_t> ids, const HeldCache& cache) {
  // A copy shares the blocks, so the cache may be used or dropped while they are written.
  const std::shared_ptr<HeldCache> copy = cache.copy(ids);
  copy->read([&](const KvSequence* sequence, const std::string& adapter) {
    const int64_t cached = sequence == nullptr ? 0 : sequence->length();
    std::vector<GroupBlocks> groups;
    std::string listed;
    for (size_t g = 0; sequence != nullptr && g < sequence->pool().groups().size(); ++g) {
      groups.push_back(blocks_of(*sequence, g));
      const nn::CacheGroup& group = sequence->pool().groups()[g];
      listed += fmt::format(R"({}{{"window":{},"block_bytes":{},"first":{},"blocks":{}}})",
                            g == 0 ? "" : ",", group.window, group.block_bytes(),
                            groups.back().first, groups.back().blocks.size());
    }
    const std::string header = fmt::format(
        R"({{"model":"{}","tokenizer":"{}","adapter":"{}","tokens":{},"cached":{},"groups":[{}]}})",
        identity.model, identity.tokenizer, adapter, ids.size(), cached, listed);
    Writer writer(file);
    writer.write(kMagic);
    writer.number(kVersion);
    writer.number(static_cast<uint32_t>(header.size()));
    writer.write(header);
    writer.write(std::as_bytes(ids));
    for (size_t g = 0; g < groups.size(); ++g)
      for (const KvBlock& block : groups[g].blocks)
        writer.write(
            {block->data(), static_cast<size_t>(sequence->pool().groups()[g].block_bytes())});
    writer.commit();
  });
}

SavedSession read_session(const std::filesystem::path& file, const SessionIdentity& identity,
                          Engine& engine) {
  const Bytes mapped = map_file(file);
  const std::string name = file.string();
  const auto size = static_cast<int64_t>(mapped.view.size());
  if (size < static_cast<int64_t>(kStart) + kChecksum ||
      std::memcmp(mapped.view.data(), kMagic.data(), kMagic.size()) != 0)
    fail(ErrorCode::malformed_file, "{} is not {}", name, kFormat);
  const auto content = mapped.view.first(static_cast<size_t>(size - kChecksum));
  Reader reader(content, name);
  reader.take(static_cast<int64_t>(kMagic.size()));
  const uint32_t version = reader.number();
  if (version != kVersion)
    fail(ErrorCode::malformed_file, "{} is version {} of {}, this linnet reads {}", name, version,
         kFormat, kVersion);
  Checksum checksum;
  checksum.add(content);
  const auto stored = mapped.view.last(static_cast<size_t>(kChecksum));
  if (std::memcmp(checksum.hex().data(), stored.data(), stored.size()) != 0)
    fail(ErrorCode::malformed_file, "{} is damaged: its checksum does not match", name);
  const int64_t header_size = reader.number();
  if (header_size > kMaxHeader)
    fail(ErrorCode::malformed_file, "{} has a header of {} bytes, more than {}", name, header_size,
         kMaxHeader);
  const auto header_bytes = reader.take(header_size);
  const Json header =
      Json::parse({reinterpret_cast<const char*>(header_bytes.data()), header_bytes.size()}, name);
  check_identity(header, identity, name);
  const int64_t tokens = header.at("tokens").as_integer();
  const int64_t cached = header.at("cached").as_integer();
  if (tokens < 0 || cached < 0 || cached > tokens)
    fail(ErrorCode::malformed_file, "{} has {} tokens, {} of them computed", name, tokens, cached);
  require(tokens <= engine.context_length(), "{} has {} tokens, the context takes {}", name, tokens,
          engine.context_length());
  SavedSession result{.ids = std::vector<int32_t>(static_cast<size_t>(tokens)),
                      .cache = std::make_shared<HeldCache>()};
  const auto ids = reader.take(tokens * 4);
  std::memcpy(result.ids.data(), ids.data(), ids.size());
  engine.check_vocabulary(result.ids);
  if (cached > 0) {
    const auto blocks = read_blocks(reader, header, cached, engine.pool(), name);
    if (blocks) {
      auto sequence =
          std::make_unique<KvSequence>(engine.pool(), cached, cached, KvSequence::Reserve::nothing);
      sequence->adopt(*blocks, cached);
      result.cache->put(std::move(sequence), result.ids, adapter_of(header, name));
      engine.scheduler().watch(result.cache);
    }
  }
  if (reader.left() != 0)
    fail(ErrorCode::malformed_file, "{} has {} bytes too many", name, reader.left());
  return result;
}

}  // namespace linnet::engine
