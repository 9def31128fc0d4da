#include "data/sources.h"

#include <stdio.h>
#include "base/memory.h"
#include "data/csv.h"

enum { NUMBER_SIZE = 24 };

ls_status ls_source_read_table(const char *path, int64_t inputs, int64_t outputs,
                               const char *const *class_names, int classes, ls_dataset *dataset)
{
    int targets = classes > 0 ? 1 : (int)outputs;
    char **name = ls_alloc((size_t)targets, sizeof *name);
    char *text = ls_alloc((size_t)targets, NUMBER_SIZE);
    ls_status status = name && text ? LS_OK : LS_ERROR_MEMORY;
    for (int i = 0; status == LS_OK && i < targets; i++) {
        name[i] = text + i * NUMBER_SIZE;
        snprintf(name[i], NUMBER_SIZE, "%lld", (long long)inputs + i + 1);
    }
    if (status == LS_OK) {
        ls_csv_options options = {.target = {targets, name}};
        ls_csv_model model = {inputs, class_names, classes, false, NULL};
        status = ls_csv_read(&options, &model, path, dataset);
    }
    ls_free(name);
    ls_free(text);
    return status;
}
