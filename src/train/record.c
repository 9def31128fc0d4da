#include "train/record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct writer {
    char *text;
    size_t size, used;
} writer;

static void put(writer *to, const char *key, const char *value)
{
    int wrote = snprintf(to->text + to->used, to->size - to->used, ",\"%s\":%s", key, value);
    if (wrote > 0 && (size_t)wrote < to->size - to->used) to->used += (size_t)wrote;
}

static void put_integer(writer *to, const char *key, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    put(to, key, text);
}

static void put_real(writer *to, const char *key, double value)
{
    char text[40] = "null";
    if (isfinite(value)) snprintf(text, sizeof text, "%.9g", value);
    for (char *c = text; *c != '\0'; c++) {
        if (*c == ',') *c = '.'; /* the locale of the calling program */
    }
    put(to, key, text);
}

static void put_word(writer *to, const char *key, const char *word)
{
    char text[40];
    snprintf(text, sizeof text, "\"%s\"", word);
    put(to, key, text);
}

void ls_record_text(const char *event, const ls_progress *progress, char *text, size_t size)
{
    writer to = {.text = text, .size = size - 2};
    to.used = (size_t)snprintf(text, size, "{\"event\":\"%s\"", event);
    put_integer(&to, "epoch", progress->epoch);
    put_integer(&to, "epochs", progress->finished ? progress->epoch : progress->epochs);
    put_integer(&to, "steps", progress->step);
    put_real(&to, "loss", progress->loss);
    put_real(&to, "accuracy", progress->accuracy);
    put_real(&to, "test_loss", progress->test_loss);
    put_real(&to, "test_accuracy", progress->test_accuracy);
    put_real(&to, "learning_rate", progress->learning_rate);
    if (isfinite(progress->gradient_norm)) put_real(&to, "gradient_norm", progress->gradient_norm);
    if (progress->skipped_steps > 0) put_integer(&to, "skipped_steps", progress->skipped_steps);
    if (progress->finished && progress->best_epoch > 0) put_integer(&to, "best_epoch", progress->best_epoch);
    if (progress->finished && progress->stopped_early) put(&to, "stopped_early", "true");
    if (progress->weights != NULL) put_word(&to, "weights", progress->weights);
    put_real(&to, "samples_per_s", progress->samples_per_s);
    put_real(&to, "wall_s", progress->wall_s);
    strcpy(text + to.used, "}");
}
