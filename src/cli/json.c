#include "cli/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void ls_cli_json_number(const char *key, double value)
{
    char text[40];
    if (!isfinite(value)) {
        printf("\"%s\": null", key);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    printf("\"%s\": %s", key, text);
}
