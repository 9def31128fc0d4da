/* Models as graphs of characters, one line a layer. */
#ifndef LS_TRAIN_GRAPH_H
#define LS_TRAIN_GRAPH_H

#include "nn/model.h"

enum { LS_GRAPH_COLUMNS = 16, LS_GRAPH_SIZE = 2 * LS_GRAPH_COLUMNS };

/* line[0] for the model's input, line[n + 1] for node n, each ended by a zero. A tensor that is read later
   runs down as '|', a layer is 'o'; "|-o" branches off, "o-'" joins, '+' crosses. Returns the number of
   columns: 1 for a chain, 0 for a model with too many branches to draw (the lines are empty then). */
int ls_graph_draw(const ls_model *model, char (*line)[LS_GRAPH_SIZE]);

#endif
