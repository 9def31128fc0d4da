/* Batch normalisation (Ioffe and Szegedy, ICML 2015, algorithm 1): for each channel
     y = weight (x - mean) / sqrt(variance + epsilon) + bias
   with statistics over the samples of a grain (as in ghost batch normalisation, Hoffer, Hubara and Soudry,
   NIPS 2017), or over the whole batch. Derivative, with N numbers a channel and z = (x - mean) / deviation:
     dx = weight / deviation (dy - mean(dy) - z mean(dy z)) */
#include <math.h>
#include <string.h>
#include "nn/norm.h"
#include "nn/registry.h"

typedef enum statistics { OF_GRAIN, OF_BATCH } statistics;

typedef struct batch_norm_options {
    int statistics;
    double momentum, epsilon;
    bool affine;
} batch_norm_options;

static const char *const statistics_choices[] = {"grain", "batch", NULL};

static const ls_option option_table[] = {
    {.key = "statistics",
     .kind = LS_OPTION_CHOICE,
     .offset = offsetof(batch_norm_options, statistics),
     .default_text = "grain",
     .choices = statistics_choices,
     .help = "grain: mean and variance of the samples of a grain (training.grain), which costs no "
             "communication. batch: of the whole batch, at the cost of two small reductions a step."},
    {.key = "momentum",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(batch_norm_options, momentum),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0.1",
     .help = "Share of a batch in the running statistics, which serve evaluation and prediction."},
    {.key = "epsilon",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(batch_norm_options, epsilon),
     .minimum = 1e-30,
     .maximum = 1e30,
     .default_text = "1e-5",
     .help = "Added to the variance."},
    {.key = "affine",
     .kind = LS_OPTION_BOOLEAN,
     .offset = offsetof(batch_norm_options, affine),
     .default_text = "true",
     .help = "Whether the result is scaled and shifted by learned numbers, one pair a channel."},
    LS_OPTION_END,
};

enum { WEIGHT, BIAS, AFFINE_COUNT };

/* Lanes of one channel that share statistics get the same numbers. */
typedef struct lanes {
    float value[LS_PANEL_LANES_MAX];
} lanes;
typedef struct wide_lanes {
    double value[LS_PANEL_LANES_MAX];
} wide_lanes;

static const batch_norm_options *options_of(const ls_node *node)
{
    return node->options;
}

static int64_t channels_of(const ls_node *node)
{
    return ls_norm_channels(&node->out);
}

static int64_t positions_of(const ls_node *node)
{
    return ls_norm_positions(&node->out);
}

static int running_mean_of(const ls_node *node)
{
    return options_of(node)->affine ? AFFINE_COUNT : 0;
}

static float weight_of(const ls_layer_call *call, int64_t channel)
{
    return options_of(call->node)->affine ? call->parameter[WEIGHT][channel] : 1;
}

static float bias_of(const ls_layer_call *call, int64_t channel)
{
    return options_of(call->node)->affine ? call->parameter[BIAS][channel] : 0;
}

static ls_status build(ls_layer_build *build)
{
    LS_TRY(ls_layer_takes(build, 1));
    ls_node *node = build->node;
    node->out = node->in[0];
    int64_t channels = channels_of(node);
    if (options_of(node)->affine) LS_TRY(ls_norm_declare(build, channels));
    LS_TRY(ls_norm_declare_kept(build, "running_mean", channels, false));
    return ls_norm_declare_kept(build, "running_var", channels, true);
}

static int64_t saved(const ls_node *node)
{
    return 2 * channels_of(node); /* mean and inverse deviation of each lane */
}

static float *saved_mean(const ls_layer_call *call, int64_t channel)
{
    return call->saved + channel * call->lanes;
}

static float *saved_inverse(const ls_layer_call *call, int64_t channel)
{
    return call->saved + (channels_of(call->node) + channel) * call->lanes;
}

/* The samples that share statistics with lane begin end before this lane; lanes without samples belong to
 * those of lane 0. */
static int64_t group_end(const ls_layer_call *call, int64_t begin)
{
    int64_t count = call->pass->count;
    return count - begin < call->pass->grain ? count : begin + call->pass->grain;
}

static void fill_rest(const ls_layer_call *call, float *value)
{
    for (int64_t n = call->pass->count; n < call->lanes; n++) value[n] = value[0];
}

/* What a sample adds to the running statistics: mean and mean square of the differences from the running
 * mean, which all ranks know and which is near, so that little is lost when they are rounded. */
static void store_running(const ls_layer_call *call, int64_t channel, const wide_lanes *mean,
                          const wide_lanes *m2)
{
    int first = running_mean_of(call->node);
    double shift = call->parameter[first][channel], positions = (double)positions_of(call->node);
    float *to_mean = call->sample_gradient[first] + channel * call->lanes;
    float *to_square = call->sample_gradient[first + 1] + channel * call->lanes;
    for (int64_t n = 0; n < call->lanes; n++) {
        double difference = mean->value[n] - shift;
        to_mean[n] = (float)difference;
        to_square[n] = (float)(m2->value[n] / positions + difference * difference);
    }
}

/* The last sum says how many numbers the others are made of. */
static void count_numbers(const ls_layer_call *call)
{
    double *numbers = call->lane_sums + 2 * channels_of(call->node) * call->lanes;
    for (int64_t n = 0; n < call->lanes; n++) numbers[n] = (double)positions_of(call->node);
}

static void gather(const ls_layer_call *call)
{
    int64_t channels = channels_of(call->node), positions = positions_of(call->node);
    wide_lanes mean, m2;
    for (int64_t c = 0; c < channels; c++) {
        call->kernels->moments(positions, call->lanes, call->x[0] + c * positions * call->lanes, mean.value,
                               m2.value);
        double *sum = call->lane_sums + c * call->lanes, *square = sum + channels * call->lanes;
        for (int64_t n = 0; n < call->lanes; n++) {
            sum[n] = (double)positions * mean.value[n];
            square[n] = m2.value[n] + sum[n] * mean.value[n];
        }
        store_running(call, c, &mean, &m2);
    }
    count_numbers(call);
}

/* From sums over the batch. */
static void use_batch(const ls_layer_call *call, int64_t channel)
{
    double numbers = call->batch_sums[2 * channels_of(call->node)];
    double mean = call->batch_sums[channel] / numbers;
    double square = call->batch_sums[channels_of(call->node) + channel] / numbers;
    double variance = square - mean * mean;
    float inverse = ls_norm_inverse(variance < 0 ? 0 : variance, options_of(call->node)->epsilon);
    float *to_mean = saved_mean(call, channel), *to_inverse = saved_inverse(call, channel);
    for (int64_t n = 0; n < call->lanes; n++) {
        to_mean[n] = (float)mean;
        to_inverse[n] = inverse;
    }
}

static void use_grains(const ls_layer_call *call, int64_t channel, const wide_lanes *mean,
                       const wide_lanes *m2)
{
    int64_t positions = positions_of(call->node), end;
    float *to_mean = saved_mean(call, channel), *to_inverse = saved_inverse(call, channel);
    for (int64_t n = 0; n < call->pass->count; n = end) {
        end = group_end(call, n);
        ls_moment_pair all = ls_norm_join(mean->value + n, m2->value + n, end - n, positions);
        double variance = all.m2 / (double)((end - n) * positions);
        float inverse = ls_norm_inverse(variance, options_of(call->node)->epsilon);
        for (int64_t i = n; i < end; i++) {
            to_mean[i] = (float)all.mean;
            to_inverse[i] = inverse;
        }
    }
    fill_rest(call, to_mean);
    fill_rest(call, to_inverse);
}

static void use_running(const ls_layer_call *call, int64_t channel, lanes *mean, lanes *inverse)
{
    int first = running_mean_of(call->node);
    float value = call->parameter[first][channel];
    float deviation = ls_norm_inverse(call->parameter[first + 1][channel], options_of(call->node)->epsilon);
    for (int64_t n = 0; n < call->lanes; n++) {
        mean->value[n] = value;
        inverse->value[n] = deviation;
    }
}

static void normalise(const ls_layer_call *call, int64_t channel, const float *mean, const float *inverse)
{
    int64_t positions = positions_of(call->node), at = channel * positions * call->lanes;
    lanes scale;
    for (int64_t n = 0; n < call->lanes; n++) scale.value[n] = weight_of(call, channel) * inverse[n];
    call->kernels->normalise(positions, call->lanes, call->x[0] + at, mean, scale.value,
                             bias_of(call, channel), call->y + at);
}

static void forward(const ls_layer_call *call)
{
    int64_t channels = channels_of(call->node), positions = positions_of(call->node);
    for (int64_t c = 0; c < channels; c++) {
        if (!call->pass->training) {
            lanes mean, inverse;
            use_running(call, c, &mean, &inverse);
            normalise(call, c, mean.value, inverse.value);
            continue;
        }
        if (call->batch_sums != NULL) {
            use_batch(call, c);
        } else {
            wide_lanes mean, m2;
            call->kernels->moments(positions, call->lanes, call->x[0] + c * positions * call->lanes,
                                   mean.value, m2.value);
            store_running(call, c, &mean, &m2);
            use_grains(call, c, &mean, &m2);
        }
        normalise(call, c, saved_mean(call, c), saved_inverse(call, c));
    }
}

/* Sums of dy and dy (x - mean) of each lane, which are also the gradients of weight and bias. */
static void sum_lanes(const ls_layer_call *call, int64_t channel, double *sum, double *product)
{
    int64_t positions = positions_of(call->node), at = channel * positions * call->lanes;
    const float *inverse = saved_inverse(call, channel);
    call->kernels->norm_sums(positions, call->lanes, call->x[0] + at, saved_mean(call, channel),
                             call->dy + at, sum, product);
    if (!options_of(call->node)->affine) return;
    float *weight = call->sample_gradient[WEIGHT] + channel * call->lanes;
    float *bias = call->sample_gradient[BIAS] + channel * call->lanes;
    for (int64_t n = 0; n < call->lanes; n++) {
        weight[n] = (float)(product[n] * (double)inverse[n]);
        bias[n] = (float)sum[n];
    }
}

static void gather_back(const ls_layer_call *call)
{
    int64_t channels = channels_of(call->node);
    for (int64_t c = 0; c < channels; c++)
        sum_lanes(call, c, call->lane_sums + c * call->lanes, call->lane_sums + (channels + c) * call->lanes);
    count_numbers(call);
}

/* The derivative as dy a - (x - mean) c - b for the lanes begin .. end - 1, which share the means. */
typedef struct slopes {
    lanes a, b, c;
} slopes;

static void set_slopes(const ls_layer_call *call, int64_t channel, int64_t begin, int64_t end, double mean_dy,
                       double mean_dyx, slopes *to)
{
    const float *inverse = saved_inverse(call, channel);
    for (int64_t n = begin; n < end; n++) {
        double i = inverse[n], a = (double)weight_of(call, channel) * i;
        to->a.value[n] = (float)a;
        to->b.value[n] = (float)(a * mean_dy);
        to->c.value[n] = (float)(a * (i * i) * mean_dyx);
    }
}

static void slopes_of_grains(const ls_layer_call *call, int64_t channel, slopes *to)
{
    int64_t positions = positions_of(call->node), end;
    wide_lanes sum, product;
    sum_lanes(call, channel, sum.value, product.value);
    for (int64_t n = 0; n < call->pass->count; n = end) {
        double dy = 0, dyx = 0;
        end = group_end(call, n);
        for (int64_t i = n; i < end; i++) {
            dy += sum.value[i];
            dyx += product.value[i];
        }
        double share = 1.0 / (double)((end - n) * positions);
        set_slopes(call, channel, n, end, dy * share, dyx * share, to);
    }
}

static void backward(const ls_layer_call *call)
{
    int64_t channels = channels_of(call->node), positions = positions_of(call->node);
    for (int64_t c = 0; c < channels; c++) {
        slopes slope;
        memset(&slope, 0, sizeof slope); /* lanes without samples: the derivative is 0 */
        if (call->batch_sums != NULL) {
            double share = 1.0 / call->batch_sums[2 * channels];
            set_slopes(call, c, 0, call->pass->count, call->batch_sums[c] * share,
                       call->batch_sums[channels + c] * share, &slope);
        } else {
            slopes_of_grains(call, c, &slope);
        }
        int64_t at = c * positions * call->lanes;
        if (call->dx[0] == NULL) continue;
        call->kernels->norm_backward(positions, call->lanes, call->x[0] + at, saved_mean(call, c),
                                     call->dy + at, slope.a.value, slope.b.value, slope.c.value,
                                     call->dx[0] + at);
    }
}

static int batch_sums(const ls_node *node)
{
    return options_of(node)->statistics == OF_BATCH ? (int)(2 * channels_of(node) + 1) : 0;
}

static ls_grain_rule grain_rule(const ls_node *node)
{
    return options_of(node)->statistics == OF_BATCH ? LS_GRAIN_ANY : LS_GRAIN_WHOLE;
}

static ls_gradient_kind gradient(const ls_node *node, int parameter)
{
    (void)node, (void)parameter;
    return LS_GRADIENT_SAMPLES;
}

/* The variance of the whole batch, within and between grains, times N / (N - 1), as the one that is estimated
 * from a sample. */
static void after_step(const ls_layer_update *update)
{
    const batch_norm_options *options = update->node->options;
    int first = running_mean_of(update->node);
    double numbers = (double)update->rows * (double)positions_of(update->node);
    double correction = numbers > 1 ? numbers / (numbers - 1) : 1;
    for (int64_t c = 0; c < channels_of(update->node); c++) {
        double difference = update->mean[first][c];
        double variance = (double)update->mean[first + 1][c] - difference * difference;
        if (variance < 0) variance = 0;
        float *mean = &update->parameter[first][c], *running = &update->parameter[first + 1][c];
        *mean = (float)((double)*mean + options->momentum * difference);
        *running = (float)((double)*running + options->momentum * (variance * correction - (double)*running));
    }
}

/* One channel of the reference: its mean, its deviation, and the numbers of all samples by index. */
typedef struct channel {
    int64_t first, size, positions, numbers; /* size: numbers a sample */
    double mean, deviation;
} channel;

static int64_t place(const channel *of, int64_t i)
{
    return i / of->positions * of->size + of->first + i % of->positions;
}

static channel channel_of(const ls_reference_call *call, int64_t index)
{
    channel of = {.size = ls_shape_size(&call->node->out), .positions = positions_of(call->node)};
    of.first = index * of.positions;
    of.numbers = call->samples * of.positions;
    double sum = 0, square = 0;
    for (int64_t i = 0; i < of.numbers; i++) sum += call->x[0][place(&of, i)];
    of.mean = sum / (double)of.numbers;
    for (int64_t i = 0; i < of.numbers; i++) {
        double d = call->x[0][place(&of, i)] - of.mean;
        square += d * d;
    }
    of.deviation = sqrt(square / (double)of.numbers + options_of(call->node)->epsilon);
    return of;
}

static void reference_forward(const ls_reference_call *call)
{
    bool affine = options_of(call->node)->affine;
    for (int64_t c = 0; c < channels_of(call->node); c++) {
        channel of = channel_of(call, c);
        for (int64_t i = 0; i < of.numbers; i++) {
            double z = (call->x[0][place(&of, i)] - of.mean) / of.deviation;
            call->y[place(&of, i)] = affine ? call->parameter[WEIGHT][c] * z + call->parameter[BIAS][c] : z;
        }
    }
}

static void reference_backward(const ls_reference_call *call)
{
    bool affine = options_of(call->node)->affine;
    for (int64_t c = 0; c < channels_of(call->node); c++) {
        channel of = channel_of(call, c);
        double sum = 0, product = 0, weight = affine ? call->parameter[WEIGHT][c] : 1;
        for (int64_t i = 0; i < of.numbers; i++) {
            double z = (call->x[0][place(&of, i)] - of.mean) / of.deviation;
            sum += call->dy[place(&of, i)];
            product += call->dy[place(&of, i)] * z;
        }
        if (affine) {
            call->gradient[WEIGHT][c] += product;
            call->gradient[BIAS][c] += sum;
        }
        for (int64_t i = 0; call->dx[0] != NULL && i < of.numbers; i++) {
            double z = (call->x[0][place(&of, i)] - of.mean) / of.deviation;
            double dy = call->dy[place(&of, i)];
            call->dx[0][place(&of, i)] =
                weight / of.deviation * (dy - (sum + z * product) / (double)of.numbers);
        }
    }
}

const ls_layer_type ls_layer_batch_norm = {
    .base = {.name = "batch_norm",
             .help = "Each channel (each unit, for vectors) is brought to mean 0 and variance 1 over samples "
                     "and positions, then scaled and shifted. Evaluation and prediction use running averages "
                     "of mean and variance (of the whole batch, whatever \"statistics\" says).",
             .options = option_table,
             .options_size = sizeof(batch_norm_options)},
    .couples_samples = true,
    .build = build,
    .forward = forward,
    .backward = backward,
    .gradient = gradient,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
    .grain_rule = grain_rule,
    .saved = saved,
    .batch_sums = batch_sums,
    .gather = gather,
    .gather_back = gather_back,
    .after_step = after_step,
};
