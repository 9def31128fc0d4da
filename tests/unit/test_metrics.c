/* Metrics: values computed by hand and by other roads, and that neither panels nor threads nor the order of
 * rows matter. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "base/random.h"
#include "io/options.h"
#include "parallel/context.h"
#include "train/metric_set.h"

enum { ROWS_MAX = 512, UNITS_MAX = 8 };

typedef struct table { /* what a model says of rows, and the truth */
    int64_t rows, units;
    int classes;
    float x[ROWS_MAX][UNITS_MAX]; /* what predict writes, too */
    int32_t index[ROWS_MAX], label[ROWS_MAX];
    float values[ROWS_MAX][UNITS_MAX];
} table;

typedef struct layout { /* in which panels, and which threads see them */
    int64_t lanes;
    int threads;
    bool backwards;
} layout;

static const layout plain = {16, 1, false};
static table rows;
static ls_metrics found;

static ls_component_list read_metrics(const char *yaml)
{
    static const ls_option options[] = {{.key = "metrics",
                                         .kind = LS_OPTION_LIST,
                                         .offset = 0,
                                         .default_text = "[]",
                                         .registry = &ls_metric_registry},
                                        LS_OPTION_END};
    char text[512];
    ls_component_list list = {0};
    snprintf(text, sizeof text, "metrics: %s\n", yaml);
    ls_options_input input = {.text = text, .size = strlen(text), .name = "m.yaml", .what = "the test"};
    cr_assert_eq(ls_options_read(options, &input, &list), LS_OK, "%s", ls_error_message());
    return list;
}

static ls_status create(const char *yaml, int threads, ls_component_list *list, ls_metric_set *set)
{
    static const char *const names[UNITS_MAX] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    *list = read_metrics(yaml);
    ls_metric_request request = {
        .metrics = list,
        .file = "m.yaml",
        .fit = {.units = rows.units,
                .classes = rows.classes,
                .outputs = rows.classes > 0 ? 0 : rows.units,
                .origin = rows.values[0]},
        .class_names = names,
        .threads = threads,
    };
    return ls_metric_set_create(&request, set);
}

static void add_panel(ls_metric_set *set, int thread, int64_t first, int64_t count, int64_t lanes)
{
    static _Thread_local float x[UNITS_MAX * 64], values[UNITS_MAX * 64];
    for (int64_t u = 0; u < rows.units; u++) {
        for (int64_t n = 0; n < lanes; n++) { /* lanes without a row hold what must not matter */
            x[u * lanes + n] = n < count ? rows.x[first + n][u] : NAN;
            values[u * lanes + n] = n < count ? rows.values[first + n][u] : 1e9F;
        }
    }
    ls_metric_panel panel = {.fit = &set->fit,
                             .lanes = lanes,
                             .count = count,
                             .x = x,
                             .predicted = x,
                             .index = rows.index + first,
                             .label = rows.label + first,
                             .values = values};
    ls_metric_set_add(set, thread, first, &panel);
}

/* Evaluates and keeps the results, whose matrix must be used before the set is freed: it is copied. */
static int64_t matrix[UNITS_MAX * UNITS_MAX];
static ls_metric matrix_of;

static void measure(const char *yaml, layout how)
{
    ls_context *context;
    ls_component_list list;
    ls_metric_set set;
    cr_assert_eq(ls_context_create(1, &context), LS_OK);
    cr_assert_eq(create(yaml, how.threads, &list, &set), LS_OK, "%s", ls_error_message());
    for (int round = 0; round < 2; round++) { /* the second one must not see the first */
        cr_assert_eq(ls_metric_set_begin(&set, rows.rows), LS_OK);
        int64_t panels = (rows.rows + how.lanes - 1) / how.lanes;
        for (int64_t p = 0; p < panels; p++) {
            int64_t index = how.backwards ? panels - 1 - p : p, first = index * how.lanes;
            int64_t rest = rows.rows - first;
            add_panel(&set, (int)(p % how.threads), first, rest < how.lanes ? rest : how.lanes, how.lanes);
        }
        cr_assert_eq(ls_metric_set_finish(&set, context->comm), LS_OK);
    }
    found = set.result;
    for (int i = 0; i < found.count; i++) {
        if (found.item[i].classes == 0) continue;
        matrix_of = found.item[i];
        for (int k = 0; k < matrix_of.classes * matrix_of.classes; k++) matrix[k] = matrix_of.confusion[k];
    }
    ls_metric_set_free(&set);
    ls_component_list_clear(&list);
    ls_context_free(context);
}

static double value_of(const char *name)
{
    for (int i = 0; i < found.count; i++)
        if (strcmp(found.item[i].name, name) == 0) return found.item[i].value;
    cr_assert_fail("there is no metric %s", name);
    return NAN;
}

static void expect_value(const char *name, double expected)
{
    double value = value_of(name);
    cr_expect(fabs(value - expected) <= 1e-12 * (1 + fabs(expected)), "%s: %.17g instead of %.17g", name,
              value, expected);
}

/* One row with the outputs of up to three units. */
static void add_row(int32_t label, int32_t index, float a, float b, float c)
{
    float *x = rows.x[rows.rows];
    x[0] = a, x[1] = b, x[2] = c;
    rows.label[rows.rows] = label;
    rows.index[rows.rows++] = index;
}

static void begin_table(int classes, int64_t units)
{
    memset(&rows, 0, sizeof rows);
    rows.classes = classes;
    rows.units = units;
}

/* True classes 0 0 0 1 1 2, predicted 0 1 0 1 2 2. */
static void three_classes(void)
{
    begin_table(3, 3);
    add_row(0, 0, 3, 2, 1);
    add_row(0, 1, 2, 3, 1);
    add_row(0, 0, 3, 1, 2);
    add_row(1, 1, 1, 3, 2);
    add_row(1, 2, 2, 1, 3);
    add_row(2, 2, 1, 2, 3);
}

Test(metrics, of_three_classes_by_hand)
{
    three_classes();
    measure("[accuracy, precision, recall, f1, confusion_matrix, {type: top_k, k: 2}, {type: top_k, k: 1}]",
            plain);
    cr_expect_eq(found.count, 7);
    expect_value("accuracy", 4.0 / 6);
    expect_value("top_1", 4.0 / 6);
    expect_value("top_2", 5.0 / 6); /* the fifth row's class comes last */
    expect_value("precision", (2 / 2.0 + 1 / 2.0 + 1 / 2.0) / 3);
    expect_value("recall", (2 / 3.0 + 1 / 2.0 + 1 / 1.0) / 3);
    expect_value("f1", (0.8 + 0.5 + 2 / 3.0) / 3);
    const int64_t expected[9] = {2, 1, 0, 0, 1, 1, 0, 0, 1};
    cr_expect_eq(matrix_of.classes, 3);
    cr_expect_eq(memcmp(matrix, expected, sizeof expected), 0);
    cr_expect_str_eq(matrix_of.class_names[2], "c");
}

Test(metrics, of_one_class_among_three)
{
    three_classes();
    measure("[{type: precision, average: binary, positive: 2}, {type: recall, average: binary, positive: 0}, "
            "{type: f1, average: binary}, f1]",
            plain);
    expect_value("precision_binary", 1 / 2.0);
    expect_value("recall_binary", 2 / 3.0);
    expect_value("f1_binary", 0.5);
    expect_value("f1", (0.8 + 0.5 + 2 / 3.0) / 3);
}

/* Of two classes the second counts: predicted 3 times, rightly 2 times of 4. */
Test(metrics, of_two_classes_by_hand)
{
    begin_table(2, 1);
    const int32_t label[] = {1, 1, 1, 1, 0, 0}, index[] = {1, 1, 0, 0, 1, 0};
    for (int i = 0; i < 6; i++) add_row(label[i], index[i], 0, 0, 0);
    measure("[precision, recall, f1, {type: f1, average: macro}]", plain);
    expect_value("precision", 2 / 3.0);
    expect_value("recall", 2 / 4.0);
    expect_value("f1", 4 / 7.0);
    expect_value("f1_macro", (4 / 7.0 + 2 / 5.0) / 2);
}

Test(metrics, classes_that_do_not_occur)
{
    begin_table(4, 4);
    add_row(0, 0, 1, 0, 0);
    add_row(1, 1, 0, 1, 0);
    add_row(1, 3, 0, 0, 0);
    measure("[precision, recall, {type: recall, average: binary, positive: 2}]", plain);
    expect_value("precision", (1 + 1 + 0) / 3.0); /* class 3 is predicted, class 2 is nowhere */
    expect_value("recall", (1 + 0.5 + 0) / 3.0);
    expect_value("recall_binary", 0);
}

Test(metrics, ignored_rows_count_for_nothing)
{
    three_classes();
    rows.label[1] = rows.label[4] = -1;
    measure("[accuracy, {type: top_k, k: 1}, f1, roc_area, confusion_matrix]", plain);
    expect_value("accuracy", 1);
    expect_value("top_1", 1);
    expect_value("f1", 1);
    expect_value("roc_area", 1);
    cr_expect(matrix[0] == 2 && matrix[4] == 1 && matrix[8] == 1 && matrix[1] == 0);
    for (int i = 0; i < 6; i++) rows.label[i] = -1;
    measure("[accuracy, f1, roc_area]", plain);
    cr_expect(isnan(value_of("accuracy")) && isnan(value_of("f1")) && isnan(value_of("roc_area")));
}

/* Equal outputs: the lower index comes first, as argmax has it. */
Test(metrics, top_k_with_equal_outputs)
{
    begin_table(3, 3);
    for (int32_t label = 0; label < 3; label++) add_row(label, 0, 1, 1, 1);
    measure("[{type: top_k, k: 1}, {type: top_k, k: 2}, {type: top_k, k: 3}]", plain);
    expect_value("top_1", 1 / 3.0);
    expect_value("top_2", 2 / 3.0);
    expect_value("top_3", 1);
}

/* By counting pairs. */
static double area_of(int column, int32_t of)
{
    double won = 0, pairs = 0;
    for (int64_t i = 0; i < rows.rows; i++) {
        if (rows.label[i] != of) continue;
        for (int64_t k = 0; k < rows.rows; k++) {
            if (rows.label[k] == of || rows.label[k] < 0) continue;
            float a = rows.x[i][column], b = rows.x[k][column];
            pairs++;
            won += a > b ? 1 : a == b ? 0.5 : 0;
        }
    }
    return won / pairs;
}

Test(metrics, roc_area_by_hand)
{
    begin_table(2, 1);
    const float score[] = {0.1F, 0.4F, 0.35F, 0.8F, 0.4F};
    const int32_t label[] = {0, 0, 1, 1, 1};
    for (int i = 0; i < 5; i++) add_row(label[i], 0, score[i], 0, 0);
    measure("[roc_area]", plain);
    /* 0.35 beats 0.1; 0.8 beats both; 0.4 beats 0.1 and ties with 0.4 */
    expect_value("roc_area", (1 + 2 + 1.5) / 6);
}

static void draw_rows(int classes, int64_t units, int64_t count, double spread)
{
    begin_table(classes, units);
    for (int64_t i = 0; i < count; i++) {
        int32_t label = (int32_t)ls_random_below(3, LS_RANDOM_BENCH, 0, (uint64_t)i, (uint64_t)classes);
        add_row(i % 17 == 5 ? -1 : label, 0, 0, 0, 0);
        for (int64_t u = 0; u < units; u++) {
            double score = ls_random_normal(3, LS_RANDOM_BENCH, 1, (uint64_t)(i * units + u)) +
                           (units == 1 ? label : label == u);
            rows.x[i][u] = (float)(rint(score * spread) / spread) * (i % 3 == 0 ? -0.5F : 1);
        }
    }
}

Test(metrics, roc_area_is_the_share_of_pairs_in_order)
{
    draw_rows(2, 1, 400, 4); /* many are equal, zeros of both signs among them */
    measure("[roc_area]", plain);
    expect_value("roc_area", area_of(0, 1));
    draw_rows(2, 2, 400, 1e6);
    measure("[roc_area]", plain);
    expect_value("roc_area", area_of(1, 1));
    draw_rows(5, 5, 400, 3);
    measure("[roc_area]", plain);
    double sum = 0;
    for (int c = 0; c < 5; c++) sum += area_of(c, c);
    expect_value("roc_area", sum / 5);
    double without = (sum - area_of(2, 2)) / 4;
    rows.x[7][2] = NAN; /* nothing to order there; the other classes have an area still */
    measure("[roc_area]", plain);
    expect_value("roc_area", without);
}

static void value_rows(float offset)
{
    begin_table(0, 2);
    for (int i = 0; i < 100; i++) {
        add_row(0, 0, 0, 0, 0);
        for (int u = 0; u < 2; u++) {
            double target = ls_random_normal(9, LS_RANDOM_BENCH, 2, (uint64_t)(2 * i + u));
            rows.values[i][u] = offset + (float)rint(16 * target) * (u == 0 ? 1 : 0.25F);
            rows.x[i][u] = rows.values[i][u] + (i % 2 == 0 ? 1.5F : -0.5F);
        }
    }
}

/* Errors are 1.5 and -0.5 in turn. */
Test(metrics, of_values_by_hand)
{
    value_rows(0);
    measure("[rmse, mae, r2]", plain);
    expect_value("rmse", sqrt((2.25 + 0.25) / 2));
    expect_value("mae", 1);
    double r2 = 0;
    for (int u = 0; u < 2; u++) {
        double mean = 0, variation = 0;
        for (int i = 0; i < 100; i++) mean += (double)rows.values[i][u] / 100;
        for (int i = 0; i < 100; i++) variation += pow((double)rows.values[i][u] - mean, 2);
        r2 += (1 - 125 / variation) / 2;
    }
    expect_value("r2", r2);
    value_rows(1 << 19); /* far from 0: the sums must not lose what matters */
    measure("[r2]", plain);
    expect_value("r2", r2);
    for (int i = 0; i < 100; i++) rows.values[i][1] = 3;
    measure("[r2]", plain);
    cr_expect(isnan(value_of("r2")), "targets without variation: %g", value_of("r2"));
}

Test(metrics, layouts_do_not_matter)
{
    static const layout layouts[] = {{64, 1, false}, {16, 3, false}, {32, 2, true}, {48, 4, true}};
    static const char *const of_classes =
        "[accuracy, {type: top_k, k: 2}, precision, recall, f1, roc_area, confusion_matrix]";
    for (int kind = 0; kind < 2; kind++) {
        if (kind == 0)
            draw_rows(5, 5, 477, 3);
        else
            value_rows(1e6F);
        for (int64_t i = 0; i < rows.rows; i++) rows.index[i] = (int32_t)(i * i % 5);
        const char *yaml = kind == 0 ? of_classes : "[rmse, mae, r2]";
        measure(yaml, plain);
        ls_metrics expected = found;
        int64_t expected_matrix[25];
        memcpy(expected_matrix, matrix, sizeof expected_matrix);
        for (size_t l = 0; l < sizeof layouts / sizeof layouts[0]; l++) {
            measure(yaml, layouts[l]);
            for (int i = 0; i < found.count; i++)
                cr_expect_eq(memcmp(&found.item[i].value, &expected.item[i].value, sizeof(double)), 0, "%s",
                             found.item[i].name);
            cr_expect_eq(memcmp(matrix, expected_matrix, sizeof matrix[0] * 25), 0);
        }
    }
}

Test(metrics, there_are_usual_ones)
{
    three_classes();
    measure("[]", plain);
    cr_expect_eq(found.count, 1);
    expect_value("accuracy", 4.0 / 6);
    value_rows(0);
    measure("[]", plain);
    cr_expect_eq(found.count, 1);
    expect_value("rmse", sqrt(1.25));
}

static void expect_refused(const char *yaml, const char *message)
{
    ls_component_list list;
    ls_metric_set set;
    cr_expect_eq(create(yaml, 1, &list, &set), LS_ERROR_RECIPE, "%s", yaml);
    cr_expect_str_eq(ls_error_message(), message);
    ls_component_list_clear(&list);
}

Test(metrics, that_do_not_fit_are_refused_with_their_place)
{
    three_classes();
    expect_refused("[accuracy, rmse]",
                   "m.yaml:1:21: metric rmse: it needs target values, but the data have classes");
    expect_refused("[{type: top_k, k: 4}]", "m.yaml:1:11: metric top_k: k is 4, but the data have 3 classes");
    expect_refused("[{type: f1, average: binary, positive: 3}]",
                   "m.yaml:1:11: metric f1: positive is class 3, but the data have the classes 0 to 2");
    expect_refused("[f1, {type: f1, average: macro}, f1]", "m.yaml:1:43: metric f1: it stands twice");
    begin_table(2, 1);
    expect_refused("[{type: top_k, k: 1}]",
                   "m.yaml:1:11: metric top_k: it needs one unit a class, but the output has 1");
    value_rows(0);
    expect_refused("[f1]", "m.yaml:1:11: metric f1: it needs classes, but the data have target values");
}
