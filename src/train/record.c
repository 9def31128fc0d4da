#include "train/record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/text.h"
#include "train/health.h"

static void put_integer(ls_text *to, const char *key, int64_t value)
{
    ls_text_add(to, ",\"%s\":%lld", key, (long long)value);
}

static void put_real(ls_text *to, const char *key, double value)
{
    char text[40] = "null";
    if (isfinite(value)) snprintf(text, sizeof text, "%.9g", value);
    for (char *c = text; *c != '\0'; c++) {
        if (*c == ',') *c = '.'; /* the locale of the calling program */
    }
    ls_text_add(to, ",\"%s\":%s", key, text);
}

/* [[3,0],[1,4]] */
static void put_matrix(ls_text *to, const char *key, const ls_metric *metric)
{
    ls_text_add(to, ",\"%s\":[", key);
    for (int t = 0; t < metric->classes; t++) {
        for (int p = 0; p < metric->classes; p++) {
            long long count = (long long)metric->confusion[(int64_t)t * metric->classes + p];
            ls_text_add(to, "%s%lld", p > 0 ? "," : t > 0 ? ",[" : "[", count);
        }
        ls_text_add(to, "]");
    }
    ls_text_add(to, "]");
}

/* Those that have no key of their own. */
static void put_metrics(ls_text *to, const ls_metrics *metrics)
{
    for (int i = 0; i < metrics->count; i++) {
        char key[LS_METRIC_NAME_SIZE + 8];
        const ls_metric *metric = &metrics->item[i];
        if (strcmp(metric->name, "accuracy") == 0) continue;
        snprintf(key, sizeof key, "test_%s", metric->name);
        if (metric->classes > 0)
            put_matrix(to, key, metric);
        else
            put_real(to, key, metric->value);
    }
}

/* The last record says what the numbers of the one before mean. */
static void put_health(ls_text *to, const ls_health *health, bool finished)
{
    char *words[LS_HEALTH_WORDS];
    if (!finished) {
        ls_text_add(to, ",\"health\":");
        ls_health_json(health, to);
        return;
    }
    int count = ls_health_words(health, words);
    ls_text_add(to, ",\"diagnosis\":[");
    for (int w = 0; w < count; w++) {
        ls_text_add(to, "%s\"%s\"", w > 0 ? "," : "", words[w]);
        ls_free(words[w]);
    }
    ls_text_add(to, "]");
}

ls_status ls_record_text(const char *event, const ls_progress *progress, char **text)
{
    ls_text to = {0};
    ls_text_add(&to, "{\"event\":\"%s\"", event);
    put_integer(&to, "epoch", progress->epoch);
    put_integer(&to, "epochs", progress->finished ? progress->epoch : progress->epochs);
    put_integer(&to, "steps", progress->step);
    put_real(&to, "loss", progress->loss);
    put_real(&to, "accuracy", progress->accuracy);
    put_real(&to, "test_loss", progress->test_loss);
    put_real(&to, "test_accuracy", progress->test_accuracy);
    put_metrics(&to, &progress->test_metrics);
    put_real(&to, "learning_rate", progress->learning_rate);
    if (isfinite(progress->gradient_norm)) put_real(&to, "gradient_norm", progress->gradient_norm);
    if (progress->skipped_steps > 0) put_integer(&to, "skipped_steps", progress->skipped_steps);
    if (progress->finished && progress->best_epoch > 0) put_integer(&to, "best_epoch", progress->best_epoch);
    if (progress->finished && progress->stopped_early) ls_text_add(&to, ",\"stopped_early\":true");
    if (progress->finished && progress->converged) ls_text_add(&to, ",\"converged\":true");
    if (progress->weights != NULL) ls_text_add(&to, ",\"weights\":\"%s\"", progress->weights);
    if (progress->health != NULL) put_health(&to, progress->health, progress->finished);
    put_real(&to, "samples_per_s", progress->samples_per_s);
    put_real(&to, "wall_s", progress->wall_s);
    ls_text_add(&to, "}");
    return ls_text_take(&to, text);
}
