/* Orthogonal weights: W W^T = gain^2 I, or W^T W where there are more rows than columns (Saxe, McClelland and
 * Ganguli, ICLR 2014, section 3). A matrix of normal numbers is made orthogonal by the modified Gram-Schmidt
 * process, which leaves the distribution even over all orthogonal matrices, as the diagonal of its triangular
 * factor is positive (Mezzadri, Notices of the AMS 2007, section 5). In double precision it loses some digits
 * for matrices close to singular, but far fewer than lie between double and float. Kernels of convolutions
 * are matrices [outputs][inputs x positions]. */
#include <math.h>
#include "base/memory.h"
#include "base/random.h"
#include "nn/registry.h"

enum {
    PARTS = 8
}; /* sums are taken in so many parts, so that they become vector code; element i goes to part i mod 8 */

typedef struct orthogonal_options {
    double gain;
} orthogonal_options;

static double dot(const double *a, const double *b, int64_t length)
{
    double part[PARTS] = {0};
    int64_t i = 0;
    for (; i + PARTS <= length; i += PARTS)
        for (int p = 0; p < PARTS; p++) part[p] += a[i + p] * b[i + p];
    for (int p = 0; i < length; i++, p++) part[p] += a[i] * b[i];
    return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

static void normalise(double *vector, int64_t length)
{
    double norm = sqrt(dot(vector, vector, length));
    for (int64_t i = 0; i < length; i++) vector[i] /= norm;
}

static void orthogonalise(double *vector, int64_t count, int64_t length)
{
    for (int64_t v = 0; v < count; v++) {
        const double *unit = vector + v * length;
        normalise(vector + v * length, length);
        for (int64_t w = v + 1; w < count; w++) {
            double *other = vector + w * length, share = dot(unit, other, length);
            for (int64_t i = 0; i < length; i++) other[i] -= share * unit[i];
        }
    }
}

/* Rows, or columns if those are fewer, are the vectors. */
static ls_status fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                      float *values)
{
    double gain = ((const orthogonal_options *)options)->gain;
    int64_t rows = parameter->rows, columns = parameter->columns;
    bool by_row = rows <= columns;
    int64_t length = by_row ? columns : rows, row_step = by_row ? length : 1,
            column_step = by_row ? 1 : length;
    double *vector = ls_alloc((size_t)(rows * columns), sizeof *vector);
    if (vector == NULL) return LS_ERROR_MEMORY;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            vector[r * row_step + c * column_step] =
                ls_random_normal(seed, LS_RANDOM_INITIALISE, (uint64_t)index, (uint64_t)(r * columns + c));
    orthogonalise(vector, by_row ? rows : columns, length);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            values[r * parameter->ld + c] = (float)(gain * vector[r * row_step + c * column_step]);
    ls_free(vector);
    return LS_OK;
}

static const ls_option table[] = {
    {.key = "gain",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(orthogonal_options, gain),
     .minimum = 0,
     .maximum = 1e6,
     .default_text = "1",
     .help = "Factor on all elements; 1.41 for relu."},
    LS_OPTION_END,
};

const ls_initialiser_type ls_initialiser_orthogonal = {
    .base = {.name = "orthogonal",
             .help =
                 "Rows of length 1 at right angles to each other, or columns if those are fewer (Saxe et al. "
                 "2014).",
             .options = table,
             .options_size = sizeof(orthogonal_options)},
    .fill = fill,
};
