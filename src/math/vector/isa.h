/* The files of this directory are compiled once for each instruction set, with -DLS_ISA=generic, avx2 or
   avx512 and the options that allow the compiler its instructions. LS_VARIANT(name) is the name of a function
   in the variant that is being compiled. */
#ifndef LS_MATH_VECTOR_ISA_H
#define LS_MATH_VECTOR_ISA_H

#include "math/kernels.h"

#define LS_PASTE_(a, b) a##b
#define LS_PASTE(a, b)  LS_PASTE_(a, b)
#define LS_TEXT_(a)     #a
#define LS_TEXT(a)      LS_TEXT_(a)

#define LS_VARIANT(name) LS_PASTE(name##_, LS_ISA)

#define LS_LEVEL_generic 0
#define LS_LEVEL_avx2    1
#define LS_LEVEL_avx512  2
#define LS_LEVEL         LS_PASTE(LS_LEVEL_, LS_ISA)

#define LS_INLINE static inline __attribute__((always_inline))

/* Before a loop whose iterations are independent although pointers may be equal (work in place). Loops of
   exactly LS_LANES iterations are turned into vector code even at -O2. */
#if defined(__clang__)
#define LS_INDEPENDENT _Pragma("clang loop vectorize(assume_safety) unroll(disable)")
#define LS_UNROLL      _Pragma("clang loop unroll(full)")
/* Where a number of iterations is not known in every variant, loops stay loops: no reason for a warning. */
#pragma clang diagnostic ignored "-Wpass-failed"
#else
#define LS_INDEPENDENT _Pragma("GCC ivdep")
#define LS_UNROLL      _Pragma("GCC unroll 32")
#endif

void LS_VARIANT(ls_gemm_run)(const ls_gemm *gemm);

void LS_VARIANT(ls_conv_forward)(const ls_conv *conv, const float *x, const float *bias, float *y);
void LS_VARIANT(ls_conv_backward)(const ls_conv *conv, const float *dy, float *dx);
void LS_VARIANT(ls_conv_gradient_run)(const ls_conv_gradient *gradient);
void LS_VARIANT(ls_winograd_forward)(const ls_conv *conv, const float *x, const float *bias, float *y,
                                     float *scratch);
void LS_VARIANT(ls_winograd_backward)(const ls_conv *conv, const float *dy, float *dx, float *scratch);
void LS_VARIANT(ls_winograd_gradient)(const ls_conv_gradient *gradient);
void LS_VARIANT(ls_winograd5_forward)(const ls_conv *conv, const float *x, const float *bias, float *y,
                                      float *scratch);
void LS_VARIANT(ls_winograd5_backward)(const ls_conv *conv, const float *dy, float *dx, float *scratch);
void LS_VARIANT(ls_winograd5_gradient)(const ls_conv_gradient *gradient);

void LS_VARIANT(ls_max_pool_forward)(const ls_pool *pool, const float *x, float *y, int32_t *index);
void LS_VARIANT(ls_max_pool_backward)(const ls_pool *pool, const float *dy, const int32_t *index, float *dx);
void LS_VARIANT(ls_average_pool_forward)(const ls_pool *pool, const float *x, float *y);
void LS_VARIANT(ls_average_pool_backward)(const ls_pool *pool, const float *dy, float *dx);
void LS_VARIANT(ls_channel_sums)(int64_t channels, int64_t positions, int64_t lanes, const float *x,
                                 float *sum);

void LS_VARIANT(ls_stream)(const float *from, float *to, int64_t count);
void LS_VARIANT(ls_take)(const float *from, float *to, int64_t count, bool give_up);
void LS_VARIANT(ls_chain_sums)(const float *from, int64_t lanes, int64_t rows, int64_t samples,
                               bool accumulate, float *sum);
void LS_VARIANT(ls_pack)(const float *from, int64_t lanes, int64_t units, int64_t count, bool past_caches,
                         float *to);
void LS_VARIANT(ls_gather_floats)(const float *const *row, int64_t count, int64_t units, const float *shift,
                                  const float *scale, int64_t lanes, bool past_caches, float *to);
void LS_VARIANT(ls_gather_bytes)(const uint8_t *const *row, int64_t count, int64_t units, const float *shift,
                                 const float *scale, int64_t lanes, bool past_caches, float *to);

void LS_VARIANT(ls_add)(const float *a, const float *b, float *y, int64_t count);

void LS_VARIANT(ls_moments)(int64_t positions, int64_t lanes, const float *x, double *mean, double *m2);
void LS_VARIANT(ls_normalise)(int64_t positions, int64_t lanes, const float *x, const float *mean,
                              const float *scale, float shift, float *y);
void LS_VARIANT(ls_norm_sums)(int64_t positions, int64_t lanes, const float *x, const float *mean,
                              const float *dy, double *sum_dy, double *sum_dyx);
void LS_VARIANT(ls_norm_backward)(int64_t positions, int64_t lanes, const float *x, const float *mean,
                                  const float *dy, const float *a, const float *b, const float *c, float *dx);

uint32_t LS_VARIANT(ls_largest)(const float *x, int64_t count);
void LS_VARIANT(ls_exact_store)(ls_exact_scale scale, int64_t rows, int64_t columns, const float *x,
                                int64_t ldx, uint64_t *sum, int64_t lds);
void LS_VARIANT(ls_exact_add)(ls_exact_scale scale, int64_t rows, int64_t columns, const float *x,
                              int64_t ldx, uint64_t *sum, int64_t lds);
void LS_VARIANT(ls_exact_outer)(const ls_small_outer *outer);
void LS_VARIANT(ls_exact_product_run)(const ls_exact_product *product);
void LS_VARIANT(ls_add_integers)(const uint64_t *x, uint64_t *sum, int64_t count);
void LS_VARIANT(ls_exact_close)(ls_exact_scale scale, uint64_t terms, double factor, int64_t rows,
                                int64_t columns, const float *last, int64_t ldl, const uint64_t *sum,
                                int64_t lds, float *x, int64_t ldx);
void LS_VARIANT(ls_exact_finish)(ls_exact_scale scale, uint64_t terms, double factor, int64_t rows,
                                 int64_t columns, const uint64_t *sum, int64_t lds, float *x, int64_t ldx);

void LS_VARIANT(ls_activate)(ls_activation which, float parameter, const float *x, float *y, int64_t count);
void LS_VARIANT(ls_activate_back)(ls_activation which, float parameter, const float *saved, const float *dy,
                                  float *dx, int64_t count);

void LS_VARIANT(ls_drop)(const ls_dropout *mask, int64_t elements, int64_t lanes, const float *x, float *y);

void LS_VARIANT(ls_squared_error)(int64_t units, int64_t lanes, const float *x, const float *target,
                                  const float *weight, float *delta, float *loss);
void LS_VARIANT(ls_binary_entropy)(int64_t units, int64_t lanes, const float *x, const float *target,
                                   const float *weight, float *delta, float *loss);
void LS_VARIANT(ls_softmax_entropy)(int64_t units, int64_t lanes, const float *x, const int32_t *label,
                                    const float *weight, float *delta, float *loss);
void LS_VARIANT(ls_element_loss)(const ls_element_loss *call, int64_t units, int64_t lanes, const float *x,
                                 const float *target, const float *weight, float *delta, float *loss);
void LS_VARIANT(ls_smoothed_entropy)(const ls_class_loss *call, int64_t units, int64_t lanes, const float *x,
                                     const int32_t *label, const float *mask, float *delta, float *loss);
void LS_VARIANT(ls_multi_margin)(float margin, bool squared, int64_t units, int64_t lanes, const float *x,
                                 const int32_t *label, const float *mask, float *delta, float *loss);
void LS_VARIANT(ls_divergence)(int64_t units, int64_t lanes, const float *x, const float *target,
                               const float *mask, float *delta, float *loss);
void LS_VARIANT(ls_exponential)(const float *x, float *y, int64_t count);
void LS_VARIANT(ls_softmax)(int64_t units, int64_t lanes, const float *x, float *y);
void LS_VARIANT(ls_softmax_back)(int64_t units, int64_t lanes, const float *y, const float *dy, float *dx);
void LS_VARIANT(ls_log_softmax)(int64_t units, int64_t lanes, const float *x, float *y);
void LS_VARIANT(ls_log_softmax_back)(int64_t units, int64_t lanes, const float *y, const float *dy,
                                     float *dx);
void LS_VARIANT(ls_argmax)(int64_t units, int64_t lanes, const float *x, int32_t *index);

void LS_VARIANT(ls_sgd)(const ls_sgd_step *step, int64_t count, float *w, const float *gradient,
                        float *velocity);
void LS_VARIANT(ls_rmsprop)(const ls_rmsprop_step *step, int64_t count, float *w, const float *gradient,
                            float *square, float *average, float *velocity);
void LS_VARIANT(ls_adagrad)(const ls_adagrad_step *step, int64_t count, float *w, const float *gradient,
                            float *sum);
void LS_VARIANT(ls_adam)(const ls_adam_step *step, int64_t count, float *w, const float *gradient,
                         float *mean, float *square, float *largest);
void LS_VARIANT(ls_rprop)(const ls_rprop_step *step, int64_t count, float *w, const float *gradient,
                          float *previous, float *size);
ls_squares LS_VARIANT(ls_lamb_moments)(const ls_adam_step *step, int64_t count, const float *w,
                                       const float *gradient, float *mean, float *square);
void LS_VARIANT(ls_lamb_apply)(const ls_adam_step *step, int64_t count, float *w, const float *mean,
                               const float *square);
ls_squares LS_VARIANT(ls_update_squares)(const ls_step_rule *rule, int64_t count, const float *w,
                                         const float *gradient);
void LS_VARIANT(ls_limit_norm)(double limit, int64_t count, float *w);

void LS_VARIANT(ls_blend)(float share, int64_t count, const float *x, float *average);
void LS_VARIANT(ls_add_scaled)(float scale, int64_t count, const float *x, float *y);
double LS_VARIANT(ls_dot)(int64_t count, const float *a, const float *b);

extern const ls_kernels LS_VARIANT(ls_kernels);

#endif
