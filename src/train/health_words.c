/* What the numbers of a training's health mean, in words. */
#include <math.h>

#include "base/memory.h"
#include "train/health.h"

static const double FAR_APART = 1e4; /* gradients of layers, or of now and the beginning, that differ so much
                                      */
static const double LARGE_UPDATE = 0.5; /* share of the weights that a step should not change */
static const double MANY_DEAD = 0.5;

typedef struct layer { /* that has a matrix of weights */
    const char *name;
    double gradient; /* root mean square of the weights' gradient */
    double weight, update;
} layer;

typedef struct words {
    char **line;
    int count;
} words;

static void say(words *to, char *line)
{
    if (line == NULL) return;
    if (to->count < LS_HEALTH_WORDS)
        to->line[to->count++] = line;
    else
        ls_free(line);
}

/* The exponent of the power of ten next below. */
static int decades(double factor)
{
    int exponent = 0;
    for (; factor >= 10 && exponent < 99; factor /= 10) exponent++;
    return exponent;
}

/* The next layer with a matrix of weights, from node *index on. */
static bool next_layer(const ls_health *health, int *index, layer *found)
{
    for (; *index < health->model->node_count; ++*index) {
        const ls_node *node = &health->model->node[*index];
        for (int p = node->first_parameter; p < node->first_parameter + node->parameter_count; p++) {
            const ls_parameter *parameter = &health->model->parameter[p];
            if (parameter->untrained || parameter->dims < 2) continue;
            *found = (layer){.name = node->name,
                             .gradient = health->gradient[p] /
                                         sqrt((double)parameter->rows * (double)parameter->columns),
                             .weight = health->weight[p],
                             .update = health->update[p]};
            ++*index;
            return true;
        }
    }
    return false;
}

/* The two layers whose gradients differ most, where the one nearer to the input has the smaller (or, with
 * growing, the larger) one. Returns the factor. */
static double widest_gap(const ls_health *health, bool growing, layer *early, layer *late)
{
    layer each, extreme = {.gradient = growing ? 0 : INFINITY};
    double widest = 1;
    int index = 0;
    while (next_layer(health, &index, &each)) {
        double factor = growing ? extreme.gradient / each.gradient : each.gradient / extreme.gradient;
        if (each.gradient > 0 && factor > widest) {
            widest = factor;
            *early = extreme;
            *late = each;
        }
        bool further = growing ? each.gradient > extreme.gradient : each.gradient < extreme.gradient;
        if (further) extreme = each;
    }
    return widest;
}

static void say_depth(const ls_health *health, words *to)
{
    layer early, late;
    double factor = widest_gap(health, false, &early, &late);
    if (factor >= FAR_APART && early.gradient > 0) {
        say(to,
            ls_format("the gradient of %s is 10^%d times smaller than that of %s: vanishing; try relu or he "
                      "initialisation, a norm layer, or fewer layers",
                      early.name, decades(factor), late.name));
    } else if (factor >= FAR_APART) {
        say(to,
            ls_format("the gradient of %s is zero, while that of %s is not: nothing comes back to it; try "
                      "leaky_relu, he initialisation or a smaller optimizer.lr",
                      early.name, late.name));
    }
    factor = widest_gap(health, true, &early, &late);
    if (factor >= FAR_APART) {
        say(to, ls_format(
                    "the gradient of %s is 10^%d times larger than that of %s: exploding towards the input; "
                    "try training.clip_norm, smaller initial weights (he or glorot) or a norm layer",
                    early.name, decades(factor), late.name));
    }
}

static void say_outputs(const ls_health *health, words *to)
{
    int largest = 0;
    for (int t = 1; t <= health->model->node_count; t++) {
        if (health->activation[t] > health->activation[largest]) largest = t;
    }
    double factor = health->activation[largest] / health->activation[0];
    if (!(factor >= FAR_APART)) return;
    say(to,
        ls_format(
            "the outputs of %s are 10^%d times larger than the input: exploding; try smaller initial weights "
            "(he or glorot), a norm layer or a smaller optimizer.lr",
            health->model->node[largest - 1].name, decades(factor)));
}

static void say_growth(const ls_health *health, words *to)
{
    double now = ls_health_gradient(health), factor = now / *health->first;
    if (!(factor >= FAR_APART)) return;
    say(to, ls_format("the gradient is 10^%d times larger than when it was first measured: exploding; try "
                      "training.clip_norm or a smaller optimizer.lr",
                      decades(factor)));
}

static void say_updates(const ls_health *health, words *to)
{
    layer each, worst = {.weight = 1};
    int index = 0;
    while (next_layer(health, &index, &each)) {
        if (each.weight > 0 && each.update / each.weight > worst.update / worst.weight) worst = each;
    }
    if (worst.update / worst.weight < LARGE_UPDATE) return;
    say(to, ls_format("one step changes the weights of %s by %.0f %% of their norm: too large; try a smaller "
                      "optimizer.lr or training.clip_norm",
                      worst.name, 100 * worst.update / worst.weight));
}

static void say_dead(const ls_health *health, words *to)
{
    int worst = 0;
    for (int t = 1; t <= health->model->node_count; t++) {
        if (isnan(health->dead[t]) || health->dead[t] < MANY_DEAD) continue;
        if (worst == 0 || health->dead[t] > health->dead[worst]) worst = t;
    }
    if (worst == 0) return;
    say(to, ls_format("%.0f %% of the units of %s are dead, 0 for all %lld samples of a batch; try a smaller "
                      "optimizer.lr, leaky_relu or he initialisation",
                      100 * health->dead[worst], health->model->node[worst - 1].name,
                      (long long)*health->samples));
}

int ls_health_words(const ls_health *health, char *lines[LS_HEALTH_WORDS])
{
    words to = {.line = lines};
    if (*health->step == 0) return 0;
    say_depth(health, &to);
    say_outputs(health, &to);
    say_growth(health, &to);
    say_updates(health, &to);
    say_dead(health, &to);
    return to.count;
}
