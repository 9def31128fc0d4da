/* The memory that the gradient by the weights of a convolution works in (math/image.h). */
#include "math/conv.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Few taps a channel give small register tiles, so several channels are taken at a time. */
int64_t ls_conv_gradient_channels(const ls_conv *conv)
{
    const int64_t window = conv->height.kernel * conv->width.kernel;
    return least((LS_CONV_GRADIENT_TAPS + window - 1) / window, conv->in_channels / conv->groups);
}

static bool is_padded(const ls_span *span)
{
    return span->before > 0 || ls_span_reach(span) > span->in;
}

bool ls_conv_is_padded(const ls_conv *conv)
{
    return is_padded(&conv->height) || is_padded(&conv->width);
}

int64_t ls_span_reach(const ls_span *span)
{
    return (span->out - 1) * span->stride + (span->kernel - 1) * span->dilation + 1;
}

int64_t ls_conv_gradient_scratch(const ls_conv *conv, int64_t rows)
{
    const int64_t channels = ls_conv_gradient_channels(conv);
    int64_t sums = rows * channels * conv->height.kernel * conv->width.kernel + LS_LANES; /* see ls_lane_sums
                                                                                           */
    if (ls_conv_is_padded(conv))
        sums += channels * ls_span_reach(&conv->height) * ls_span_reach(&conv->width);
    return sums * LS_LANES;
}
