/* Area under the receiver operating characteristic: the share of pairs of a row of the class and one of
 * another in which the first has the higher score, pairs of equal scores counted half (Hanley and McNeil,
 * Radiology 143, 1982). Counted in integers after sorting, so it is exact and does not depend on an order of
 * rows. */
#include <math.h>
#include <string.h>
#include "nn/metric.h"
#include "nn/registry.h"

enum { DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS };

/* Unsigned integers in the order of the floats; both zeros are one. */
static uint32_t order_of(float score)
{
    uint32_t bits;
    score += 0.0F; /* -0 becomes 0 */
    memcpy(&bits, &score, sizeof bits);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

/* Sorts count keys by their upper halves, a digit at a time from the lowest; an even number of passes ends
 * where it began. */
static void sort(uint64_t *from, uint64_t *to, int64_t count)
{
    for (int shift = 32; shift < 64; shift += DIGIT_BITS) {
        int64_t first[DIGITS + 1] = {0};
        for (int64_t i = 0; i < count; i++) first[(from[i] >> shift & (DIGITS - 1)) + 1]++;
        for (int d = 0; d < DIGITS; d++) first[d + 1] += first[d];
        for (int64_t i = 0; i < count; i++) to[first[from[i] >> shift & (DIGITS - 1)]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
}

/* Twice the number of pairs that are in order, of sorted keys whose lowest bit says which class they are of.
 */
static uint64_t pairs_in_order(const uint64_t *key, int64_t count)
{
    uint64_t twice = 0, below = 0;
    for (int64_t begin = 0, end; begin < count; begin = end) {
        uint64_t positive = 0, negative = 0;
        for (end = begin; end < count && key[end] >> 32 == key[begin] >> 32; end++) {
            positive += key[end] & 1;
            negative += 1 - (key[end] & 1);
        }
        twice += positive * (2 * below + negative);
        below += negative;
    }
    return twice;
}

static double of_scores(int64_t rows, const float *score, const int32_t *label, int32_t of, uint64_t *work)
{
    int64_t count = 0, positive = 0;
    for (int64_t i = 0; i < rows; i++) {
        if (label[i] < 0) continue;
        if (isnan(score[i])) return NAN;
        work[count++] = (uint64_t)order_of(score[i]) << 32 | (label[i] == of);
        positive += label[i] == of;
    }
    if (positive == 0 || positive == count) return NAN;
    sort(work, work + rows, count);
    double pairs = (double)positive * (double)(count - positive);
    return (double)pairs_in_order(work, count) / (2 * pairs);
}

const ls_metric_type ls_metric_roc_area = {
    .base = {.name = "roc_area",
             .help = "Area under the ROC curve, the probability that a row of the class scores higher than "
                     "one of another, equal scores counted half. Of two classes it is that of the second; of "
                     "more, the mean over the classes, each against all others. Exact; it needs the scores "
                     "of all rows on every process."},
    .of_classes = true,
    .of_scores = of_scores,
};
