#include "base/nearest.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

enum { LONGEST = 63 };

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int lower(char c)
{
    return tolower((unsigned char)c);
}

int ls_edit_distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    if (rows > LONGEST || columns > LONGEST) return INT_MAX;
    int cost[LONGEST + 1][LONGEST + 1];
    for (size_t j = 0; j <= columns; j++) cost[0][j] = (int)j;
    for (size_t i = 1; i <= rows; i++) {
        cost[i][0] = (int)i;
        for (size_t j = 1; j <= columns; j++) {
            int differs = lower(a[i - 1]) != lower(b[j - 1]);
            int best = smaller(cost[i - 1][j], cost[i][j - 1]) + 1;
            best = smaller(best, cost[i - 1][j - 1] + differs);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
                best = smaller(best, cost[i - 2][j - 2] + 1);
            }
            cost[i][j] = best;
        }
    }
    return cost[rows][columns];
}

ls_nearest ls_nearest_start(const char *word)
{
    return (ls_nearest){.word = word, .best = NULL, .distance = INT_MAX};
}

void ls_nearest_show(ls_nearest *nearest, const char *known)
{
    int distance = ls_edit_distance(nearest->word, known);
    size_t length = strlen(nearest->word);
    /* One edit for each three letters: "relo" finds "relu", but "lr" does not find "no". */
    int allowed = length < 3 ? 1 : (int)(length + 2) / 3;
    if (length < 3 && distance >= (int)strlen(known)) return;
    if (distance > allowed || distance >= nearest->distance) return;
    nearest->best = known;
    nearest->distance = distance;
}
