#include "nn/norm.h"
#include <math.h>
#include "nn/registry.h"

ls_moment_pair ls_norm_join(const double *mean, const double *m2, int64_t count, int64_t positions)
{
    ls_moment_pair all = {0};
    for (int64_t n = 0; n < count; n++) all.mean += mean[n];
    all.mean /= (double)count;
    double within = 0, between = 0;
    for (int64_t n = 0; n < count; n++) {
        double difference = mean[n] - all.mean;
        within += m2[n];
        between += difference * difference;
    }
    all.m2 = within + (double)positions * between;
    return all;
}

float ls_norm_inverse(double variance, double epsilon)
{
    return (float)(1.0 / sqrt(variance + epsilon));
}

static ls_status declare(ls_layer_build *build, const char *name, int64_t count, bool with_ones)
{
    ls_component initialiser = {.type = with_ones ? &ls_initialiser_ones.base : &ls_initialiser_zeros.base};
    return ls_layer_declare(build, name, 1, 1, count, count, count, initialiser, false);
}

ls_status ls_norm_declare(ls_layer_build *build, int64_t count)
{
    LS_TRY(declare(build, "weight", count, true));
    return declare(build, "bias", count, false);
}

ls_status ls_norm_declare_kept(ls_layer_build *build, const char *name, int64_t count, bool with_ones)
{
    LS_TRY(declare(build, name, count, with_ones));
    ls_layer_keep(build);
    return LS_OK;
}
