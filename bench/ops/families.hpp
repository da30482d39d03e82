// One function per file: registers the benchmarks of a family.
#pragma once

namespace linnet::bench {

void register_attention();
void register_elementwise();
void register_linear();
void register_matmul();
void register_norm();
void register_reduce();
void register_rope();
void register_sampler();
void register_softmax();
void register_threads();

}  // namespace linnet::bench
