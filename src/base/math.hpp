// Elementary functions in double precision with the same bits on every processor, compiler and C
// library: additions, multiplications, divisions and floor only, in a fixed order. For tables and
// random numbers, which every machine must compute alike; the kernels have their own in float.
//
// Subnormal arguments count as zero and subnormal results become zero, so the bits do not depend on
// the mode of the floating-point unit either (see fp_mode.hpp). Measured errors are in
// tests/base/math_test.cpp. All functions may be called from any thread.
#pragma once

namespace linnet::portable {

/// e^x within 1 ulp; 0 where the result would be subnormal, infinity from 709.79 on.
double exp(double x);

/// The natural logarithm within 1 ulp; -infinity at zero, NaN below.
double log(double x);

/// x^y within 1 ulp, with the special values of std::pow.
double pow(double x, double y);

/// The largest |x| that sin and cos take.
inline constexpr double kMaxAngle = 4194304.0;  // 2^22

/// The sine of x radians within 1 ulp; NaN for NaN.
/// Errors: invalid_argument beyond kMaxAngle.
double sin(double x);

/// The cosine of x radians, as sin.
double cos(double x);

}  // namespace linnet::portable
