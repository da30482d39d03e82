// Storing keys and values in the cache's panels.
#include <algorithm>

#include "base/half.hpp"
#include "kernels/attention.hpp"

namespace linnet::kernels::cpu {
namespace {

// Where an element lies in a panel of kernels/matmul.hpp with k rows: bf16 keeps k in pairs.
int64_t panel_index(const BF16*, int64_t k, int64_t lane) {
  return (k / 2 * 16 + lane) * 2 + k % 2;
}
int64_t panel_index(const float*, int64_t k, int64_t lane) { return k * 16 + lane; }

void assign(BF16& to, float value) { to = to_bf16(value); }
void assign(float& to, float value) { to = value; }

/// Writes one token's keys and values of one kv head.
template <class Element>
void write_token(const KvWriteArgs& a, std::byte* block, int64_t slot, int64_t kv_head,
                 const float* key, const float* value) {
  const int64_t dim = a.layout.head_dim;
  const int64_t padded = round_up(dim, 32);
  auto* keys =
      reinterpret_cast<Element*>(block + a.layer_offset) + kv_head * a.layout.head_elements();
  auto* values = keys + a.layout.key_elements();
  Element* key_panel = keys + slot / 16 * padded * 16;
  for (int64_t d = 0; d < dim; ++d) {
    assign(key_panel[panel_index(keys, d, slot % 16)], key[d]);
    assign(values[d / 16 * kBlockTokens * 16 + panel_index(values, slot, d % 16)], value[d]);
  }
}

}  // namespace

void kv_write(const KvWriteArgs& args, const Context& context) {
  const int64_t heads = args.layout.kv_heads;
  const int64_t dim = args.layout.head_dim;
  for (const KvSequence& sequence : args.sequences) {
    context.pool.parallel_for(
        sequence.rows, std::max<int64_t>(1, 8192 / (heads * dim)), [&](int64_t begin, int64_t end) {
          for (int64_t row = begin; row < end; ++row) {
            const int64_t position = sequence.first_position + row;
            std::byte* block = sequence.blocks[position / kBlockTokens];
            for (int64_t head = 0; head < heads; ++head) {
              const int64_t start = ((sequence.first_row + row) * heads + head) * dim;
              const auto write =
                  args.layout.dtype == DType::bf16 ? write_token<BF16> : write_token<float>;
              write(args, block, position % kBlockTokens, head, args.keys + start,
                    args.values + start);
            }
          }
        });
  }
}

}  // namespace linnet::kernels::cpu
