/* Initialisers that give every element the same value, and the loop over elements that the others share. */
#include "nn/registry.h"

void ls_initialise_elements(ls_element_draw draw, const void *options, const ls_parameter *parameter,
                            uint64_t seed, int index, float *values)
{
    for (int64_t r = 0; r < parameter->rows; r++)
        for (int64_t c = 0; c < parameter->columns; c++) {
            uint64_t element = (uint64_t)(r * parameter->columns + c);
            values[r * parameter->ld + c] = (float)draw(options, seed, (uint64_t)index, element);
        }
}

static void fill(const ls_parameter *parameter, double value, float *values)
{
    for (int64_t r = 0; r < parameter->rows; r++)
        for (int64_t c = 0; c < parameter->columns; c++) values[r * parameter->ld + c] = (float)value;
}

static ls_status zeros_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                            float *values)
{
    (void)options, (void)seed, (void)index;
    fill(parameter, 0, values);
    return LS_OK;
}

static ls_status ones_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                           float *values)
{
    (void)options, (void)seed, (void)index;
    fill(parameter, 1, values);
    return LS_OK;
}

typedef struct constant_options {
    double value;
} constant_options;

static ls_status constant_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                               float *values)
{
    (void)seed, (void)index;
    fill(parameter, ((const constant_options *)options)->value, values);
    return LS_OK;
}

static const ls_option constant_table[] = {
    {.key = "value",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(constant_options, value),
     .minimum = -1e30,
     .maximum = 1e30,
     .help = "The value of all elements."},
    LS_OPTION_END,
};

const ls_initialiser_type ls_initialiser_zeros = {
    .base = {.name = "zeros", .help = "All zero."},
    .fill = zeros_fill,
};

const ls_initialiser_type ls_initialiser_ones = {
    .base = {.name = "ones", .help = "All one."},
    .fill = ones_fill,
};

const ls_initialiser_type ls_initialiser_constant = {
    .base = {.name = "constant",
             .help = "All the same.",
             .options = constant_table,
             .options_size = sizeof(constant_options)},
    .fill = constant_fill,
};
