/* The table of this variant. */
#include "math/vector/isa.h"

const ls_kernels LS_VARIANT(ls_kernels) = {
    .name = LS_TEXT(LS_ISA),
    .gemm = LS_VARIANT(ls_gemm_run),
    .pack_block = LS_VARIANT(ls_pack_block),
    .gather_floats = LS_VARIANT(ls_gather_floats),
    .gather_bytes = LS_VARIANT(ls_gather_bytes),
    .add = LS_VARIANT(ls_add),
    .largest = LS_VARIANT(ls_largest),
    .exact_store = LS_VARIANT(ls_exact_store),
    .exact_add = LS_VARIANT(ls_exact_add),
    .exact_finish = LS_VARIANT(ls_exact_finish),
    .activation_forward = LS_VARIANT(ls_activate),
    .activation_backward = LS_VARIANT(ls_activate_back),
    .squared_error = LS_VARIANT(ls_squared_error),
    .binary_entropy = LS_VARIANT(ls_binary_entropy),
    .softmax_entropy = LS_VARIANT(ls_softmax_entropy),
    .softmax = LS_VARIANT(ls_softmax),
    .softmax_backward = LS_VARIANT(ls_softmax_back),
    .log_softmax = LS_VARIANT(ls_log_softmax),
    .log_softmax_backward = LS_VARIANT(ls_log_softmax_back),
    .argmax = LS_VARIANT(ls_argmax),
    .sgd = LS_VARIANT(ls_sgd),
    .blend = LS_VARIANT(ls_blend),
    .add_scaled = LS_VARIANT(ls_add_scaled),
    .dot = LS_VARIANT(ls_dot),
};
