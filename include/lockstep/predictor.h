/* Using a trained model. */
#ifndef LOCKSTEP_PREDICTOR_H
#define LOCKSTEP_PREDICTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <lockstep/context.h>
#include <lockstep/metrics.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ls_predictor ls_predictor;

/* Opens model.safetensors (or a run directory that holds one). The caller frees *predictor with
 * ls_predictor_free. Collective over context, which must outlive it. */
LS_API ls_status ls_predictor_load(ls_context *context, const char *path, ls_predictor **predictor);
LS_API void ls_predictor_free(ls_predictor *predictor);

LS_API int64_t ls_predictor_inputs(const ls_predictor *predictor);
/* Columns of a prediction; where the model has several outputs, those of all of them side by side, in the
 * order of the recipe's losses. */
LS_API int64_t ls_predictor_outputs(const ls_predictor *predictor);
LS_API int ls_predictor_classes(const ls_predictor *predictor); /* 0: the model predicts values, or has
                                                                   several outputs with targets of their own
                                                                 */
LS_API const char *ls_predictor_class_name(const ls_predictor *predictor, int index);
LS_API const char *ls_predictor_output_name(const ls_predictor *predictor, int64_t output); /* column header:
                                                                                               "p_setosa",
                                                                                               "y0" */

/* One output of the model: the columns of a prediction that belong to one loss of the recipe. */
typedef struct ls_predictor_head {
    const char *name;               /* of the layer; NULL where the model has one output alone */
    int64_t first, columns;         /* of a prediction */
    int classes;                    /* 0: it predicts values */
    const char *const *class_names; /* [classes] */
} ls_predictor_head;
LS_API int ls_predictor_head_count(const ls_predictor *predictor); /* 1 or more */
/* index: 0 to ls_predictor_head_count - 1, in the order of the recipe's losses. What it points to lives as
 * long as the predictor. */
LS_API ls_predictor_head ls_predictor_get_head(const ls_predictor *predictor, int index);

/* inputs [rows][inputs] as in the data file (normalisation is done here) to outputs [rows][outputs]
   (probabilities or values) and classes [rows][ls_predictor_head_count] (may be NULL; -1 where there are
   none). Local.
   Errors: LS_ERROR_ARGUMENT; LS_ERROR_DATA names an input that is no whole number where the model takes
   those. */
LS_API ls_status ls_predictor_predict(ls_predictor *predictor, int64_t rows, const float *inputs,
                                      float *outputs, int32_t *classes);

/* Rows of a data file in the format that the model was trained on, with or without its target column(s).
 * *inputs [rows][inputs] is freed with ls_predictor_free_rows. Local. */
LS_API ls_status ls_predictor_read(ls_predictor *predictor, const char *path, int64_t *rows, float **inputs);
LS_API void ls_predictor_free_rows(float *inputs);

typedef struct ls_evaluation {
    int64_t rows;
    double loss;
    double accuracy; /* NaN without classes */
    double rmse;     /* NaN with classes, and where the recipe's metrics lack it */
    ls_metrics metrics;
} ls_evaluation;

/* Loss and metrics on a labelled data file; data NULL: the test set of the recipe.yaml beside the model.
 * Collective. */
LS_API ls_status ls_predictor_evaluate(ls_predictor *predictor, const char *data, ls_evaluation *evaluation);

#ifdef __cplusplus
}
#endif
#endif
