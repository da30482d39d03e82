// The tile registers of AMX, and a model of them in AVX-512 code, behind one interface: a kernel is
// a template over HardwareTiles or EmulatedTiles. So the tile kernels are tested, bit for bit, on
// processors that have no tiles.
//
// Eight registers of 16 rows x 64 bytes. Instructions are written in assembler, so that neither the
// compiler's target flags nor its macros (which want literal register numbers) are in the way.
// Included for the AVX3 target only, inside kernels of Isa::amx and Isa::amx_emulated.
#if defined(LINNET_KERNELS_CPU_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINNET_KERNELS_CPU_TILES_INL_H_
#undef LINNET_KERNELS_CPU_TILES_INL_H_
#else
#define LINNET_KERNELS_CPU_TILES_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "kernels/cpu/simd-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

inline constexpr int kTileSide = 16;       // rows of a tile, and floats in a row
inline constexpr int64_t kTileBytes = 64;  // of a row

/// All tiles 16 rows x 64 bytes while it lives (palette 1), on this thread.
struct HardwareTiles {
  HardwareTiles() {
    alignas(64) uint8_t config[64] = {1};
    for (int tile = 0; tile < 8; ++tile) {
      config[16 + 2 * tile] = kTileBytes;
      config[48 + tile] = kTileSide;
    }
    asm volatile("ldtilecfg %0" ::"m"(config));
  }
  ~HardwareTiles() { asm volatile("tilerelease"); }
  HardwareTiles(const HardwareTiles&) = delete;
  HardwareTiles& operator=(const HardwareTiles&) = delete;

  template <int kTile>
  HWY_INLINE void zero() {
    asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
  }
  /// Rows `stride` bytes apart.
  template <int kTile>
  HWY_INLINE void load(const void* from, int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kTile>
  HWY_INLINE void store(void* to, int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(kTile) : "memory");
  }
  /// C[m][n] += (sum over even k of A[m][k] B[k][n]) + (the same over odd k), two chains of fused
  /// multiply-adds from +0 in rising order: one block of the dot-product contract. A has 16 rows of
  /// 32 bf16, B 16 rows (k in pairs) of 16 columns x 2.
  template <int kC, int kA, int kB>
  HWY_INLINE void dot() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kC), "i"(kA), "i"(kB));
  }
};

/// The same in memory.
struct EmulatedTiles {
  template <int kTile>
  void zero() {
    std::memset(tiles_[kTile], 0, sizeof(tiles_[kTile]));
  }
  template <int kTile>
  void load(const void* from, int64_t stride) {
    for (int row = 0; row < kTileSide; ++row)
      std::memcpy(tiles_[kTile][row], static_cast<const char*>(from) + row * stride, kTileBytes);
  }
  template <int kTile>
  void store(void* to, int64_t stride) {
    for (int row = 0; row < kTileSide; ++row)
      std::memcpy(static_cast<char*>(to) + row * stride, tiles_[kTile][row], kTileBytes);
  }
  template <int kC, int kA, int kB>
  void dot() {
    for (int m = 0; m < kTileSide; ++m) {
      const auto* a = reinterpret_cast<const BF16*>(tiles_[kA][m]);
      const auto* b = reinterpret_cast<const BF16*>(tiles_[kB][0]);
      F32x16 even = linnet::kernels::cpu::HWY_NAMESPACE::zero();
      F32x16 odd = even;
      for (int pair = 0; pair < 16; ++pair) {
        F32x16 w_even;
        F32x16 w_odd;
        load_pairs(b + pair * 2 * kLanes, w_even, w_odd);
        even = fma(set(linnet::to_float(a[2 * pair])), w_even, even);
        odd = fma(set(linnet::to_float(a[2 * pair + 1])), w_odd, odd);
      }
      auto* c = reinterpret_cast<float*>(tiles_[kC][m]);
      linnet::kernels::cpu::HWY_NAMESPACE::store(
          linnet::kernels::cpu::HWY_NAMESPACE::load(c) + (even + odd), c);
    }
  }

 private:
  alignas(64) uint8_t tiles_[8][kTileSide][kTileBytes];
};

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
