/* Models drawn as graphs of characters. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "support/written_model.h"
#include "train/graph.h"

static const ls_shape vector = {.rank = 1, .dim = {4}};

static void expect_graph(const char *text, int columns, const char *expected)
{
    written_model written = write_model(text, &vector);
    char line[64][LS_GRAPH_SIZE], all[64 * LS_GRAPH_SIZE] = "";
    cr_expect_eq(ls_graph_draw(&written.model, line), columns);
    for (int n = 0; n <= written.model.node_count; n++) {
        strcat(all, line[n]);
        strcat(all, "\n");
    }
    cr_expect_str_eq(all, expected, "%s\ninstead of\n%s", all, expected);
    written_model_free(&written);
}

Test(graph, chains_are_one_column)
{
    expect_graph("model: [relu, tanh, {type: dense, units: 2}]", 1, "o\no\no\no\n");
}

Test(graph, blocks_of_a_residual_network)
{
    expect_graph("model:\n"
                 "- {type: tanh, name: stem}\n"
                 "- repeat: 2\n"
                 "  layers:\n"
                 "  - {type: dense, units: 4, name: a}\n"
                 "  - {type: add, inputs: [a, previous]}\n"
                 "- {type: dense, units: 4, name: b}\n"
                 "- {type: tanh, name: c}\n"
                 "- {type: dense, units: 4, name: shortcut, inputs: repeat_0}\n"
                 "- {type: add, inputs: [c, shortcut]}\n",
                 2,
                 "o  \n"   /* input */
                 "o  \n"   /* stem */
                 "|-o\n"   /* a */
                 "o-'\n"   /* add */
                 "|-o\n"   /* a */
                 "o-'\n"   /* add */
                 "|-o\n"   /* b */
                 "| o\n"   /* c */
                 "o |\n"   /* shortcut */
                 "o-'\n"); /* add */
}

Test(graph, lines_cross_and_tensors_stay_while_they_are_read)
{
    expect_graph("model:\n"
                 "- {type: tanh, name: a}\n"
                 "- {type: tanh, name: b, inputs: input}\n"
                 "- {type: tanh, name: c, inputs: input}\n"
                 "- {type: add, inputs: [a, c], name: d}\n"
                 "- {type: add, inputs: [b, d, a]}\n",
                 3,
                 "o    \n"   /* input */
                 "|-o  \n"   /* a */
                 "|-+-o\n"   /* b */
                 "o | |\n"   /* c, the last reader of the input */
                 "o-| |\n"   /* d, while a goes on */
                 "o-'-'\n"); /* all three */
}

Test(graph, too_many_branches_are_not_drawn)
{
    char text[2048] = "model:\n";
    for (int i = 0; i < LS_GRAPH_COLUMNS + 4; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "- {type: tanh, name: t%d, inputs: input}\n", i);
    strcat(text, "- {type: add, inputs: [t0, t1, t2, t3, t4, t5, t6], name: p}\n"
                 "- {type: add, inputs: [t7, t8, t9, t10, t11, t12, t13], name: q}\n"
                 "- {type: add, inputs: [t14, t15, t16, t17, t18, t19, p, q]}\n");
    written_model written = write_model(text, &vector);
    char line[64][LS_GRAPH_SIZE];
    cr_expect_eq(ls_graph_draw(&written.model, line), 0);
    cr_expect_str_eq(line[5], "");
    written_model_free(&written);
}
