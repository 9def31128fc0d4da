#include "cli/nearest.h"

#include <string.h>

enum { WORD_MAX = 40 };

static int smallest(int a, int b, int c)
{
    int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Insertions, deletions and replacements between two words (Levenshtein 1966), row by row. */
static int distance(const char *a, const char *b)
{
    int row[WORD_MAX + 1];
    int a_length = (int)strlen(a), b_length = (int)strlen(b);
    if (a_length > WORD_MAX || b_length > WORD_MAX) return WORD_MAX;
    for (int j = 0; j <= b_length; j++) row[j] = j;
    for (int i = 1; i <= a_length; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= b_length; j++) {
            int above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_length];
}

const char *ls_cli_nearer(const char *word, const char *candidate, const char *best)
{
    int limit = (int)strlen(candidate) / 3 + 1;
    int between = distance(word, candidate);
    if (between > limit || (best && between >= distance(word, best))) return best;
    return candidate;
}
