#include "train/graph.h"

#include <string.h>

enum { FREE = -1 };

typedef struct drawing {
    const ls_model *model;
    int tensor[LS_GRAPH_COLUMNS]; /* that runs down in a column, or FREE */
    int columns;                  /* used so far */
} drawing;

static bool reads(const ls_node *node, int tensor)
{
    for (int i = 0; i < node->input_count; i++)
        if (node->input[i] == tensor) return true;
    return false;
}

/* Whether a node after number n reads the tensor. */
static bool is_read_after(const ls_model *model, int tensor, int n)
{
    for (int later = n + 1; later < model->node_count; later++)
        if (reads(&model->node[later], tensor)) return true;
    return false;
}

/* The column of a node's output: the first of an input that ends here, else the first free one; -1: none
 * left. */
static int choose_column(const drawing *d, int n)
{
    const ls_node *node = &d->model->node[n];
    for (int c = 0; c < d->columns; c++) {
        int tensor = d->tensor[c];
        if (tensor != FREE && reads(node, tensor) && !is_read_after(d->model, tensor, n)) return c;
    }
    for (int c = 0; c < LS_GRAPH_COLUMNS; c++)
        if (d->tensor[c] == FREE) return c;
    return -1;
}

/* A horizontal line between two columns, below what is there already. */
static void connect(char *line, int from, int to)
{
    int left = 2 * (from < to ? from : to), right = 2 * (from < to ? to : from);
    for (int i = left + 1; i < right; i++) {
        if (line[i] == ' ') line[i] = '-';
        if (line[i] == '|' && i % 2 == 0) line[i] = '+';
    }
}

static bool draw_node(drawing *d, int n, char *line)
{
    const ls_node *node = &d->model->node[n];
    int own = choose_column(d, n);
    if (own < 0) return false;
    if (own >= d->columns) d->columns = own + 1;
    for (int c = 0; c < d->columns; c++)
        if (d->tensor[c] != FREE) line[2 * c] = '|';
    for (int c = 0; c < d->columns; c++) {
        if (c == own || d->tensor[c] == FREE || !reads(node, d->tensor[c])) continue;
        connect(line, own, c);
    }
    for (int c = 0; c < d->columns; c++) { /* corners and branches stay visible in a longer line */
        if (c == own || d->tensor[c] == FREE || !reads(node, d->tensor[c])) continue;
        bool ends = !is_read_after(d->model, d->tensor[c], n);
        line[2 * c] = ends ? '\'' : '|';
        if (ends) d->tensor[c] = FREE;
    }
    line[2 * own] = 'o';
    d->tensor[own] = is_read_after(d->model, n + 1, n) ? n + 1 : FREE;
    return true;
}

int ls_graph_draw(const ls_model *model, char (*line)[LS_GRAPH_SIZE])
{
    drawing d = {.model = model, .columns = 1};
    memset(line, ' ', (size_t)(model->node_count + 1) * sizeof *line);
    for (int c = 0; c < LS_GRAPH_COLUMNS; c++) d.tensor[c] = FREE;
    d.tensor[0] = 0;
    line[0][0] = 'o';
    bool drawn = true;
    for (int n = 0; n < model->node_count && drawn; n++) drawn = draw_node(&d, n, line[n + 1]);
    for (int n = 0; n <= model->node_count; n++) line[n][drawn ? 2 * d.columns - 1 : 0] = '\0';
    return drawn ? d.columns : 0;
}
