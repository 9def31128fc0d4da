/* The layer concatenate: where its inputs go, and what it refuses. Derivatives: test_registry_layers.c. */
#include <criterion/criterion.h>
#include <string.h>
#include "support/written_model.h"

enum { LANES = 16 };

static const ls_shape image = {.rank = 3, .dim = {2, 2, 3}};

Test(concatenate, puts_channels_behind_each_other)
{
    written_model written = write_model("model:\n"
                                        "- {type: reshape, shape: [1, 4, 3], name: tall, inputs: input}\n"
                                        "- {type: reshape, shape: [3, 4, 1], name: thin}\n"
                                        "- {type: reshape, shape: [1, 4, 3], name: back}\n"
                                        "- {type: concatenate, inputs: [back, tall]}\n",
                                        &image);
    const ls_shape expected = {.rank = 3, .dim = {2, 4, 3}};
    cr_expect(ls_shape_equal(ls_model_output(&written.model), &expected));
    enum { COUNT = 12 * LANES };
    _Alignas(64) float a[COUNT], b[COUNT], y[2 * COUNT], dy[2 * COUNT], da[COUNT], db[COUNT];
    for (int i = 0; i < COUNT; i++) a[i] = (float)i, b[i] = (float)-i;
    for (int i = 0; i < 2 * COUNT; i++) dy[i] = (float)(3 * i);
    run_last_node(&written.model, LANES, (const float *const[]){a, b}, y, dy, (float *const[]){da, db});
    cr_expect(memcmp(y, a, sizeof a) == 0 && memcmp(y + COUNT, b, sizeof b) == 0);
    cr_expect(memcmp(da, dy, sizeof da) == 0 && memcmp(db, dy + COUNT, sizeof db) == 0);
    memset(db, 0, sizeof db);
    run_last_node(&written.model, LANES, (const float *const[]){a, b}, y, dy, (float *const[]){NULL, db});
    cr_expect(memcmp(db, dy + COUNT, sizeof db) == 0);
    written_model_free(&written);
}

Test(concatenate, refuses_images_of_other_sizes)
{
    expect_model_error("model:\n"
                       "- {type: reshape, shape: [2, 3, 2], name: turned}\n"
                       "- {type: concatenate, inputs: [input, turned]}",
                       &image,
                       "r.yaml:3:3: layer concatenate_0: input is 2 x 2 x 3, but turned is 2 x 3 x 2; all "
                       "dimensions but the first must be equal");
    expect_model_error(
        "model:\n"
        "- {type: flatten, name: flat}\n"
        "- {type: concatenate, inputs: [input, flat]}",
        &image,
        "r.yaml:3:3: layer concatenate_0: input is 2 x 2 x 3, but flat is 12; all dimensions but "
        "the first must be equal");
    expect_model_error(
        "model:\n- {type: concatenate, inputs: input}", &image,
        "r.yaml:2:3: layer concatenate_0: one input is given, but a layer of type concatenate takes "
        "2 to 8; name them as in inputs: [a, b]");
}
