/* A vector of floats in every variant; the generic one has vectors of one float. */
#ifndef LS_MATH_VECTOR_FLOATS_H
#define LS_MATH_VECTOR_FLOATS_H

#include "math/vector/isa.h"

#if LS_LEVEL == 0
typedef float vector;
#define WIDTH                 1
#define LOAD(p)               (*(p))
#define STORE(p, v)           (*(p) = (v))
#define BROADCAST(x)          (x)
#define MULTIPLY_ADD(a, b, c) __builtin_fmaf(a, b, c)
#define KEEP(v)
#else
#include "math/vector/simd.h"
#define KEEP(v) __asm__("" : "+v"(v)) /* in a register, or the compiler loads it several times */
#endif

#endif
