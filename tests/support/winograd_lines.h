/* The lines of Winograd's forms (math/winograd.h, math/winograd5.h), each the sequence of additions that the
   kernels promise, and their squares. Numbers of a line are step apart. */
#ifndef TESTS_WINOGRAD_LINES_H
#define TESTS_WINOGRAD_LINES_H

typedef void winograd_line(const float *from, int step, float *to);

typedef struct winograd_form {
    int kernel, inputs, outputs, elements;
    winograd_line *filter, *input, *output, *delta, *spread, *gradient;
    int bias; /* the element in whose products it is, along each dimension */
} winograd_form;

enum { WINOGRAD_LINE = 11, WINOGRAD_SQUARE = WINOGRAD_LINE * WINOGRAD_LINE };

/* rows by columns numbers, in lines along the height; each line becomes one of made numbers. */
static inline void winograd_along_height(winograd_line *line, int rows, int columns, int made,
                                         const float *from, float *to)
{
    (void)rows;
    for (int w = 0; w < columns; w++) {
        float got[WINOGRAD_LINE];
        line(from + w, columns, got);
        for (int h = 0; h < made; h++) to[h * columns + w] = got[h];
    }
}

static inline void winograd_along_width(winograd_line *line, int rows, int columns, int made,
                                        const float *from, float *to)
{
    for (int h = 0; h < rows; h++) line(from + h * columns, 1, to + h * made);
}

/* size by size numbers become made by made. */
static inline void winograd_square(winograd_line *line, bool width_first, int size, int made,
                                   const float *from, float *to)
{
    float between[WINOGRAD_SQUARE];
    if (width_first) {
        winograd_along_width(line, size, size, made, from, between);
        winograd_along_height(line, size, made, made, between, to);
    } else {
        winograd_along_height(line, size, size, made, from, between);
        winograd_along_width(line, made, size, made, between, to);
    }
}

static inline void winograd_filter3(const float *g, int s, float *u)
{
    const float ends = g[0] + g[2 * s];
    u[0] = g[0];
    u[1] = 0.5f * (ends + g[s]);
    u[2] = 0.5f * (ends - g[s]);
    u[3] = g[2 * s];
}

static inline void winograd_input3(const float *d, int s, float *v)
{
    v[0] = d[0] - d[2 * s];
    v[1] = d[s] + d[2 * s];
    v[2] = d[2 * s] - d[s];
    v[3] = d[s] - d[3 * s];
}

static inline void winograd_output3(const float *m, int s, float *y)
{
    y[0] = m[0] + (m[s] + m[2 * s]);
    y[1] = (m[s] - m[2 * s]) - m[3 * s];
}

/* Without the sign of the last element, which is in the line of the gradient. */
static inline void winograd_delta3(const float *y, int s, float *z)
{
    z[0] = y[0];
    z[1] = y[0] + y[s];
    z[2] = y[0] - y[s];
    z[3] = y[s];
}

static inline void winograd_gradient3(const float *z, int s, float *g)
{
    const float even = 0.5f * (z[s] + z[2 * s]);
    g[0] = z[0] + even;
    g[1] = 0.5f * (z[s] - z[2 * s]);
    g[2] = even - z[3 * s];
}

static inline void winograd_filter5(const float *g, int s, float *u)
{
    const float h[4][2] = {{g[0], g[s]},
                           {0.5f * (g[0] + g[4 * s] + g[2 * s]), 0.5f * (g[s] + g[3 * s])},
                           {0.5f * (g[0] + g[4 * s] - g[2 * s]), 0.5f * (g[s] - g[3 * s])},
                           {g[4 * s], g[4 * s]}};
    for (int b = 0; b < 3; b++) {
        u[3 * b] = h[b][0];
        u[3 * b + 1] = h[b][0] + h[b][1];
        u[3 * b + 2] = h[b][1];
    }
    u[9] = h[3][0];
    u[10] = h[3][1];
}

static inline void winograd_input5(const float *d, int s, float *v)
{
    float e[4][3];
    for (int k = 0; k < 3; k++) {
        e[0][k] = d[k * s] - d[(k + 4) * s];
        e[1][k] = d[(k + 2) * s] + d[(k + 4) * s];
        e[2][k] = d[(k + 4) * s] - d[(k + 2) * s];
        e[3][k] = k < 2 ? d[(k + 6) * s] - d[(k + 2) * s] : 0.0f;
    }
    for (int b = 0; b < 3; b++) {
        v[3 * b] = e[b][0] - e[b][1];
        v[3 * b + 1] = e[b][1];
        v[3 * b + 2] = e[b][2] - e[b][1];
    }
    v[9] = e[3][0];
    v[10] = e[3][1];
}

static inline void winograd_output5(const float *m, int s, float *y)
{
    float q[3][2];
    for (int b = 0; b < 3; b++)
        for (int k = 0; k < 2; k++) q[b][k] = m[(3 * b + k) * s] + m[(3 * b + k + 1) * s];
    for (int k = 0; k < 2; k++) {
        y[k] = q[0][k] + (q[1][k] + q[2][k]);
        y[2 + k] = (q[1][k] - q[2][k]) + m[(9 + k) * s];
    }
}

static inline void winograd_delta5(const float *y, int s, float *z)
{
    const float f[3][2] = {
        {y[0], y[s]}, {y[0] + y[2 * s], y[s] + y[3 * s]}, {y[0] - y[2 * s], y[s] - y[3 * s]}};
    for (int b = 0; b < 3; b++) {
        z[3 * b] = f[b][0];
        z[3 * b + 1] = f[b][0] + f[b][1];
        z[3 * b + 2] = f[b][1];
    }
    z[9] = y[2 * s];
    z[10] = y[3 * s];
}

static inline void winograd_spread5(const float *m, int s, float *d)
{
    float e[3][3];
    for (int b = 0; b < 3; b++) {
        e[b][0] = m[3 * b * s];
        e[b][1] = m[(3 * b + 1) * s] - m[3 * b * s] - m[(3 * b + 2) * s];
        e[b][2] = m[(3 * b + 2) * s];
    }
    d[0] = e[0][0];
    d[1] = e[0][1];
    d[2] = e[0][2] + (e[1][0] - e[2][0]) - m[9 * s];
    d[3] = (e[1][1] - e[2][1]) - m[10 * s];
    d[4] = (e[1][2] - e[2][2]) + (e[1][0] + e[2][0]) - e[0][0];
    d[5] = (e[1][1] + e[2][1]) - e[0][1];
    d[6] = (e[1][2] + e[2][2]) - e[0][2] + m[9 * s];
    d[7] = m[10 * s];
}

static inline void winograd_gradient5(const float *z, int s, float *g)
{
    float h[3][2];
    for (int b = 0; b < 3; b++)
        for (int k = 0; k < 2; k++) h[b][k] = z[(3 * b + k) * s] + z[(3 * b + k + 1) * s];
    g[0] = h[0][0] + 0.5f * (h[1][0] + h[2][0]);
    g[1] = h[0][1] + 0.5f * (h[1][1] + h[2][1]);
    g[2] = 0.5f * (h[1][0] - h[2][0]);
    g[3] = 0.5f * (h[1][1] - h[2][1]);
    g[4] = 0.5f * (h[1][0] + h[2][0]) + (z[9 * s] + z[10 * s]);
}

/* 3 by 3 takes the filters turned by half a circle backward, 5 by 5 spreads the products of deltas. */
static const winograd_form winograd_forms[] = {
    {3, 4, 2, 4, winograd_filter3, winograd_input3, winograd_output3, winograd_delta3, NULL,
     winograd_gradient3, 1},
    {5, 8, 4, 11, winograd_filter5, winograd_input5, winograd_output5, winograd_delta5, winograd_spread5,
     winograd_gradient5, 4},
};
enum { WINOGRAD_FORMS = sizeof winograd_forms / sizeof *winograd_forms };

#endif
