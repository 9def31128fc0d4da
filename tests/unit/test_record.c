/* Lines of metrics.jsonl. */
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "train/record.h"

static char *text_of(const ls_progress *progress)
{
    char *text = NULL;
    cr_assert_eq(ls_record_text("epoch", progress, &text), LS_OK);
    return text;
}

static ls_progress example(void)
{
    return (ls_progress){.epoch = 3,
                         .epochs = 10,
                         .step = 30,
                         .loss = 0.5,
                         .accuracy = NAN,
                         .test_loss = 0.25,
                         .test_accuracy = NAN,
                         .learning_rate = 0.1,
                         .gradient_norm = NAN,
                         .samples_per_s = 100,
                         .wall_s = 2};
}

Test(record, has_the_usual_keys)
{
    ls_progress progress = example();
    char *text = text_of(&progress);
    cr_expect_str_eq(text, "{\"event\":\"epoch\",\"epoch\":3,\"epochs\":10,\"steps\":30,\"loss\":0.5,"
                           "\"accuracy\":null,\"test_loss\":0.25,\"test_accuracy\":null,"
                           "\"learning_rate\":0.1,\"samples_per_s\":100,\"wall_s\":2}");
    ls_free(text);
}

Test(record, metrics_follow_the_test_results)
{
    static const int64_t confusion[4] = {5, 1, 0, 12};
    ls_progress progress = example();
    progress.test_metrics = (ls_metrics){.count = 4,
                                         .item = {{"accuracy", 0.5, 0, NULL, NULL},
                                                  {"f1", 0.75, 0, NULL, NULL},
                                                  {"roc_area", NAN, 0, NULL, NULL},
                                                  {"confusion_matrix", NAN, 2, confusion, NULL}}};
    char *text = text_of(&progress);
    cr_expect_not_null(strstr(text, "\"test_accuracy\":null,\"test_f1\":0.75,\"test_roc_area\":null,"
                                    "\"test_confusion_matrix\":[[5,1],[0,12]],\"learning_rate\""),
                       "%s", text);
    ls_free(text);
}

/* A matrix of 200 classes is longer than any buffer of fixed size. */
Test(record, may_be_long)
{
    enum { CLASSES = 200 };
    int64_t *confusion = ls_alloc(CLASSES * CLASSES, sizeof *confusion);
    for (int i = 0; i < CLASSES * CLASSES; i++) confusion[i] = 1000000 + i;
    ls_progress progress = example();
    progress.test_metrics =
        (ls_metrics){.count = 1, .item = {{"confusion_matrix", NAN, CLASSES, confusion, NULL}}};
    char *text = text_of(&progress);
    cr_expect_gt(strlen(text), 8 * CLASSES * CLASSES);
    cr_expect_not_null(strstr(text, "1000000,1000001,"));
    cr_expect_not_null(strstr(text, ",1039999]],"));
    ls_free(text);
    ls_free(confusion);
}
