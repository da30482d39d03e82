// Functions of single elements.
//
// Shapes broadcast as in NumPy and dtypes promote as in promotion.hpp; a scalar takes the dtype of
// the array it meets (bf16 * 2.0 is bf16). Floating results are computed in f32 and rounded once to
// the result's dtype; subnormals count as zero. Integer results are exact and wrap at the ends of
// their dtype (two's complement). Every instruction set and thread count gives the same bits.
//
// Errors of all: invalid_argument naming the op and both shapes if they do not broadcast, if the
// arrays are on two devices, or if all operands are scalars; out_of_memory. Devices: cpu.
// Errors of the functions ("within n ulp") are those of the f32 computation, measured in
// tests/kernels/math_test.cpp.
#pragma once

#include "ops/promotion.hpp"

namespace linnet::ops {

/// y = a + b, a - b, a * b. Of two bools: or, (error), and.
Array add(const Operand& a, const Operand& b);
Array sub(const Operand& a, const Operand& b);
Array mul(const Operand& a, const Operand& b);

/// y = a / b, the true quotient: integers and bools give f32.
Array div(const Operand& a, const Operand& b);

/// y = a^b with the special values of std::pow (a negative base with a whole exponent has the
/// sign's parity, with any other exponent NaN; 0^0 is 1). Floating: within 0.75 ulp, exact where
/// the result is a float. Integers: exact, wrapping.
/// Errors: invalid_argument for an integer power with a negative exponent, and for bools.
Array power(const Operand& a, const Operand& b);

/// The larger or the smaller; NaN if either is NaN.
Array maximum(const Operand& a, const Operand& b);
Array minimum(const Operand& a, const Operand& b);

/// result: bool. Two floating dtypes compare exactly, two integer dtypes too; an integer against a
/// floating dtype compares as f32. Every comparison with NaN is false but not_equal.
Array equal(const Operand& a, const Operand& b);
Array not_equal(const Operand& a, const Operand& b);
Array less(const Operand& a, const Operand& b);
Array less_equal(const Operand& a, const Operand& b);
Array greater(const Operand& a, const Operand& b);
Array greater_equal(const Operand& a, const Operand& b);

/// result: bool; an operand of any dtype stands for operand != 0.
Array logical_and(const Operand& a, const Operand& b);
Array logical_or(const Operand& a, const Operand& b);
Array logical_xor(const Operand& a, const Operand& b);
Array logical_not(const Array& x);

/// y = condition ? a : b
///   condition, a, b  broadcast together; condition of any dtype stands for condition != 0
///   result           the promoted dtype of a and b (two scalars: f32 if one is floating, else i32,
///                    or bool)
Array where(const Array& condition, const Operand& a, const Operand& b);

/// -x; |x|; x * x. Integers keep their dtype and wrap (-u8{1} is 255). neg of bool is an error.
Array neg(const Array& x);
Array abs(const Array& x);
Array square(const Array& x);

// The rest give f32 for integers and bools, else the dtype of x.

/// sqrt(x): correctly rounded, NaN below 0. rsqrt: 1 / sqrt(x), within 1.5 ulp.
Array sqrt(const Array& x);
Array rsqrt(const Array& x);
/// e^x within 1 ulp; results below the normal numbers are 0.
Array exp(const Array& x);
/// The natural logarithm within 1 ulp.
Array log(const Array& x);
/// Within 1.25 ulp, and within 1 ulp.
Array tanh(const Array& x);
Array erf(const Array& x);
/// 1 / (1 + e^-x) within 2.5 ulp.
Array sigmoid(const Array& x);
/// x / (1 + e^-x) within 2.5 ulp; NaN at -infinity.
Array silu(const Array& x);
/// x / 2 * (1 + erf(x / sqrt(2))), to about |x| * 2^-23; NaN at -infinity.
Array gelu(const Array& x);
/// x / 2 * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), to about |x| * 2^-23; NaN at -infinity.
Array gelu_tanh(const Array& x);

}  // namespace linnet::ops

namespace linnet {

// Operators for the four ops; in Array's namespace, so that they are found by their arguments.
Array operator+(const Array& a, const ops::Operand& b);
Array operator-(const Array& a, const ops::Operand& b);
Array operator*(const Array& a, const ops::Operand& b);
Array operator/(const Array& a, const ops::Operand& b);
Array operator+(const ops::Scalar& a, const Array& b);
Array operator-(const ops::Scalar& a, const Array& b);
Array operator*(const ops::Scalar& a, const Array& b);
Array operator/(const ops::Scalar& a, const Array& b);
Array operator-(const Array& x);

}  // namespace linnet
