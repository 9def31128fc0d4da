/* docs/recipe.md: an introduction, an example, and the tables. */
#include "io/recipe_document.h"

#include "io/options.h"
#include "io/recipe.h"

const char ls_recipe_example[] = "seed: 7\n"
                                 "data:\n"
                                 "  type: csv\n"
                                 "  train: data/flowers.csv\n"
                                 "  normalise: standardise\n"
                                 "  test_fraction: 0.25\n"
                                 "model:\n"
                                 "  - {type: dense, name: hidden, units: 32, activation: relu}\n"
                                 "  - {type: dense, name: output, units: 3}\n"
                                 "loss: softmax_cross_entropy\n"
                                 "optimizer:\n"
                                 "  type: sgd\n"
                                 "  lr: 0.05\n"
                                 "  momentum: 0.9\n"
                                 "  schedule: {type: step, every: 20, factor: 0.5}\n"
                                 "  warmup: {length: 2}\n"
                                 "  groups:\n"
                                 "    - {match: output.*, lr_factor: 0.5}\n"
                                 "training:\n"
                                 "  epochs: 60\n"
                                 "  batch: 32\n"
                                 "  checkpoint:\n"
                                 "    every_epochs: 10\n";

static const char introduction[] =
    "# The recipe\n"
    "\n"
    "<!-- Written from the tables in src/. Change the tables, not this page. -->\n"
    "\n"
    "A recipe says what to train, on what, and how. It is a YAML 1.2 file with six keys: `seed`, `data`,\n"
    "`model`, `loss`, `optimizer` and `training`. Only `data`, `model` and `loss` are required. A complete\n"
    "example:\n"
    "\n"
    "```yaml\n";

static const char rules[] =
    "```\n"
    "\n"
    "**Types and options.** Wherever a component is wanted (a data source, a layer, a loss, an optimizer, a\n"
    "schedule, an initialiser), write its type alone if the defaults will do (`loss: mse`), or a mapping "
    "with\n"
    "`type` and the options beside it (`loss: {type: mse, reduction: sum}`).\n"
    "\n"
    "**Numbers** are written without quotes: `0.05`, `.5`, `1e-3`. A whole number may be written as `1e6`.\n"
    "**Booleans** are `true` and `false`. **Nothing** is written `null`, where the default is none.\n"
    "\n"
    "**Paths** are relative to the directory of the recipe. In a `--set` on the command line they are "
    "relative\n"
    "to the current directory.\n"
    "\n"
    "**Changing keys from the command line.** `--set KEY=VALUE` overrides any key, with the same checks:\n"
    "`--set optimizer.lr=0.1`, `--set loss=mse`, `--set training.epochs=5`. Items of a list are named by "
    "their\n"
    "number from 0 or by their `name`: `--set model.0.units=64`, `--set model.hidden.units=64`. The value "
    "is\n"
    "YAML, so `--set 'optimizer={type: sgd, lr: 0.1}'` replaces the whole optimizer.\n"
    "\n"
    "**The learning rate** of a step is `optimizer.lr`, times the factor of its schedule, times the "
    "`lr_factor` "
    "of the\n"
    "first group that matches the parameter. Parameters are named after their layer: `output.weight`, "
    "`output.bias`. A\n"
    "warm-up goes in front of the schedule, which begins when it is over.\n"
    "\n"
    "**Mistakes** are reported with their place before anything is computed or written:\n"
    "`flowers.yaml:13:3: unknown key 'momentun' of optimizer sgd, did you mean 'momentum'?`\n"
    "\n"
    "**On resume** (`--resume`) the recipe must be the one the run began with, except for the keys that say\n"
    "\"May differ on resume\". Paths may change if they lead to the same content. The run directory holds "
    "the\n"
    "recipe with every default filled in, as `recipe.yaml`.\n";

ls_status ls_recipe_document(char **text)
{
    ls_text page = {0};
    ls_text_add(&page, "%s%s%s", introduction, ls_recipe_example, rules);
    ls_status status = ls_options_document(&page, ls_recipe_options);
    ls_status taken = ls_text_take(&page, text);
    return status != LS_OK ? status : taken;
}
