/* The choice of the table; each test is a process of its own, so that the choice is still open. */
#include "support/kernels.h"

Test(kernels_choice, generic_is_always_there_and_unknown_names_are_not)
{
    cr_assert_not_null(ls_kernels_named("generic"));
    cr_assert_null(ls_kernels_named("sse9"));
    cr_assert_null(ls_kernels_named(""));
}

Test(kernels_choice, the_best_is_taken)
{
    unsetenv("LOCKSTEP_ISA");
    int last = 0;
    while (table(last + 1)) last++;
    cr_assert_eq(ls_kernels_get(), table(last));
    cr_assert_eq(ls_kernels_get(), ls_kernels_named(ls_kernels_get()->name));
}

Test(kernels_choice, the_environment_caps_it)
{
    setenv("LOCKSTEP_ISA", "generic", 1);
    cr_assert_str_eq(ls_kernels_get()->name, "generic");
    unsetenv("LOCKSTEP_ISA");
    cr_assert_str_eq(ls_kernels_get()->name, "generic", "chosen once");
}

Test(kernels_choice, a_cap_in_the_middle)
{
    setenv("LOCKSTEP_ISA", "avx2", 1);
    cr_assert_str_eq(ls_kernels_get()->name, ls_kernels_named("avx2") ? "avx2" : "generic");
}

Test(kernels_choice, every_table_is_complete)
{
    for (int t = 0; table(t); t++) {
        const ls_kernels *k = table(t);
        cr_assert(k->gemm && k->pack && k->chain_sums && k->stream && k->take && k->gather_floats &&
                  k->gather_bytes && k->largest);
        cr_assert(k->exact_store && k->exact_add && k->exact_finish && k->exact_close);
        cr_assert(k->activation_forward && k->activation_backward);
        cr_assert(k->dropout && k->softmax_backward && k->log_softmax && k->log_softmax_backward);
        cr_assert(k->squared_error && k->binary_entropy && k->softmax_entropy && k->softmax && k->argmax);
        cr_assert(k->element_loss && k->smoothed_entropy && k->multi_margin && k->divergence &&
                  k->exponential);
        cr_assert(k->sgd);
    }
}
