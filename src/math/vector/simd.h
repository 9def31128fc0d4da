/* The vectors of the variant that is being compiled (not of the generic one, which has none): WIDTH floats.
 */
#ifndef LS_MATH_VECTOR_SIMD_H
#define LS_MATH_VECTOR_SIMD_H

#include <immintrin.h>
#include "math/vector/isa.h"

#if LS_LEVEL == 2
typedef __m512 vector;
#define WIDTH             16
#define LOAD(p)           _mm512_loadu_ps(p)
#define STORE(p, v)       _mm512_storeu_ps(p, v)
#define BROADCAST(x)      _mm512_set1_ps(x)
#define MULTIPLY_ADD(...) _mm512_fmadd_ps(__VA_ARGS__)
#define ADD_FLOATS(a, b)  _mm512_add_ps(a, b)
#else
typedef __m256 vector;
#define WIDTH             8
#define LOAD(p)           _mm256_loadu_ps(p)
#define STORE(p, v)       _mm256_storeu_ps(p, v)
#define BROADCAST(x)      _mm256_set1_ps(x)
#define MULTIPLY_ADD(...) _mm256_fmadd_ps(__VA_ARGS__)
#define ADD_FLOATS(a, b)  _mm256_add_ps(a, b)
#endif

#endif
