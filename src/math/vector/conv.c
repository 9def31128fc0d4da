/* Convolutions forward and backward by the data (math/image.h).

   Forward, each element of y is one chain of fused multiply-adds over (input channel, kh, kw) ascending,
   starting from the bias or zero; backward, each element of dx is one over (output channel, kh, kw)
   ascending, starting from zero. Taps that fall on padding are left out of the chain.

   Nothing is copied: the outputs of one rectangle that see the same taps are a matrix product whose right
   operand lies at constant distances from the output's place. Positions near an edge, and backward those of
   each phase of the stride, form rectangles of their own. */
#include "math/vector/span.h"

#define TILE_IMAGE true

/* One direction of a group of channels: rows of results that are sums over terms. */
typedef struct side {
    const ls_conv *conv;
    bool backward;
    const float *weight;             /* of the group */
    int64_t rows, terms;             /* channels of the result and of the source, in the group */
    int64_t row_stride, term_stride; /* of the weights */
    int64_t width, plane, source_width, source_plane; /* positions of a row and of a channel */
    const float *source, *bias;
    float *result;
} side;

static side side_of(const ls_conv *conv, bool backward, int64_t group, const float *source, const float *bias,
                    float *result)
{
    const int64_t in = conv->in_channels / conv->groups, out = conv->out_channels / conv->groups;
    const int64_t window = conv->height.kernel * conv->width.kernel;
    const int64_t in_plane = conv->height.in * conv->width.in, out_plane = conv->height.out * conv->width.out;
    side made = {.conv = conv, .backward = backward, .weight = conv->weight + group * out * conv->ld};
    made.rows = backward ? in : out;
    made.terms = backward ? out : in;
    made.row_stride = backward ? window : conv->ld;
    made.term_stride = backward ? conv->ld : window;
    made.width = backward ? conv->width.in : conv->width.out;
    made.plane = backward ? in_plane : out_plane;
    made.source_width = backward ? conv->width.out : conv->width.in;
    made.source_plane = backward ? out_plane : in_plane;
    made.source = source + group * made.terms * made.source_plane * conv->lanes;
    made.result = result + group * made.rows * made.plane * conv->lanes;
    made.bias = bias ? bias + group * made.rows : NULL;
    return made;
}

#if LS_LEVEL == 0

/* LS_LANES chains next to each other. */
static void chains(const side *job, int64_t row, int64_t h, int64_t w, int64_t lane)
{
    const ls_conv *conv = job->conv;
    float sum[LS_LANES];
    for (int n = 0; n < LS_LANES; n++) sum[n] = job->bias ? job->bias[row] : 0.0f;
    for (int64_t term = 0; term < job->terms; term++)
        for (int64_t kh = 0; kh < conv->height.kernel; kh++)
            for (int64_t kw = 0; kw < conv->width.kernel; kw++) {
                int64_t from_h = ls_span_source(&conv->height, job->backward, h, kh);
                int64_t from_w = ls_span_source(&conv->width, job->backward, w, kw);
                if (from_h < 0 || from_w < 0) continue;
                const float weight = job->weight[row * job->row_stride + term * job->term_stride +
                                                 kh * conv->width.kernel + kw];
                const float *x =
                    job->source +
                    (term * job->source_plane + from_h * job->source_width + from_w) * conv->lanes + lane;
                LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) sum[n] =
                    __builtin_fmaf(weight, x[n], sum[n]);
            }
    float *result = job->result + (row * job->plane + h * job->width + w) * conv->lanes + lane;
    for (int n = 0; n < LS_LANES; n++) result[n] = sum[n];
}

static void run_side(const side *job)
{
    for (int64_t row = 0; row < job->rows; row++)
        for (int64_t h = 0; h < job->plane / job->width; h++)
            for (int64_t w = 0; w < job->width; w++)
                for (int64_t lane = 0; lane < job->conv->lanes; lane += LS_LANES)
                    chains(job, row, h, w, lane);
}

#else

#include "math/vector/tiles.h"

/* The places of up to CHUNK_MAX times LS_LANES lanes, and where the next ones are. */
typedef struct cursor {
    const float *from[CHUNK_MAX];
    float *to[CHUNK_MAX];
    int64_t h, w, lane;
} cursor;

static int next_places(const side *job, const ls_run *height, const ls_run *width, cursor *at)
{
    const int64_t lanes = job->conv->lanes;
    int count = 0;
    for (; count < CHUNK_MAX && at->h < height->count; count++) {
        int64_t from_h = height->source + at->h * height->source_step,
                from_w = width->source + at->w * width->source_step;
        int64_t to_h = height->first + at->h * height->step, to_w = width->first + at->w * width->step;
        at->from[count] = job->source + (from_h * job->source_width + from_w) * lanes + at->lane;
        at->to[count] = job->result + (to_h * job->width + to_w) * lanes + at->lane;
        at->lane += LS_LANES;
        if (at->lane < lanes) continue;
        at->lane = 0;
        if (++at->w < width->count) continue;
        at->w = 0;
        at->h++;
    }
    return count;
}

static void run_rectangle(const side *job, const ls_run *height, const ls_run *width)
{
    const int64_t lanes = job->conv->lanes, kernel = job->conv->width.kernel;
    const bool any = height->taps > 0 && width->taps > 0;
    const chain nest = {
        .row_stride = job->row_stride,
        .ldc = job->plane * lanes,
        .count = {any ? job->terms : 0, height->taps, width->taps},
        .a = {job->term_stride, height->tap_step * kernel, width->tap_step},
        .b = {job->source_plane * lanes, height->source_tap_step * job->source_width * lanes,
              width->source_tap_step * lanes},
    };
    const float *weight = job->weight + height->tap * kernel + width->tap;
    cursor at = {.h = 0};
    for (int count = next_places(job, height, width, &at); count > 0;
         count = next_places(job, height, width, &at))
        tile_column(&nest, job->rows, count, weight, at.from, at.to, job->bias);
}

static void run_side(const side *job)
{
    ls_run height, width;
    ls_run_walk rows = {.span = &job->conv->height, .backward = job->backward};
    while (ls_run_next(&rows, &height)) {
        ls_run_walk columns = {.span = &job->conv->width, .backward = job->backward};
        while (ls_run_next(&columns, &width)) run_rectangle(job, &height, &width);
    }
}

#endif

void LS_VARIANT(ls_conv_forward)(const ls_conv *conv, const float *x, const float *bias, float *y)
{
    for (int64_t group = 0; group < conv->groups; group++) {
        side made = side_of(conv, false, group, x, bias, y);
        run_side(&made);
    }
}

void LS_VARIANT(ls_conv_backward)(const ls_conv *conv, const float *dy, float *dx)
{
    for (int64_t group = 0; group < conv->groups; group++) {
        side made = side_of(conv, true, group, dy, NULL, dx);
        run_side(&made);
    }
}
