/* The help texts, and "lockstep help". */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>
#include "cli/nearest.h"

typedef struct help_text {
    const char *command, *text;
} help_text;

#define THREADS "  --threads N       threads of each process, 1 to 1024 (default: all cores it may use)\n"
#define HELP    "  -h, --help        this text\n"

static const help_text texts[] = {
    {"train", "Usage: lockstep train RECIPE [options]\n"
              "\n"
              "Trains a model as the recipe (a YAML file) says. The weights depend on the recipe\n"
              "and the data alone: not on the number of threads, processes or machines.\n"
              "\n"
              "  --run DIR         where the results go (default: runs/NAME-OF-RECIPE)\n" THREADS
              "  --set KEY=VALUE   overrides a key of the recipe; may be given several times\n"
              "  --resume          go on from the newest checkpoint in DIR\n"
              "  --overwrite       replace what an earlier run left in DIR\n"
              "  --quiet           print nothing but errors\n"
              "  --json            print the final record on standard output\n" HELP "\n"
              "DIR gets model.safetensors, metrics.jsonl, recipe.yaml and checkpoints/.\n"
              "SIGTERM, SIGINT or SIGUSR1 stop the run after the step at hand, with a checkpoint.\n"
              "Exit status: 0 done, 1 failed, 2 wrong usage or recipe, 75 stopped by a signal.\n"
              "\n"
              "Examples:\n"
              "  lockstep train recipes/digits.yaml\n"
              "  lockstep train recipes/digits.yaml --run runs/slow --set optimizer.lr=0.01\n"
              "  lockstep train recipes/digits.yaml --run runs/slow --resume --set training.epochs=50\n"
              "  mpirun -n 2 lockstep train recipes/digits.yaml\n"},
    {"eval", "Usage: lockstep eval MODEL [DATA] [options]\n"
             "\n"
             "Prints loss and metrics of a model on a labelled data file, in the format of the\n"
             "data it was trained on. Without DATA: on the test set of the recipe.yaml beside it.\n"
             "MODEL is a model.safetensors or a run directory.\n"
             "\n" THREADS "  --json            print one JSON object\n" HELP "\n"
             "Examples:\n"
             "  lockstep eval runs/digits/model.safetensors\n"
             "  lockstep eval runs/iris more-flowers.csv --json\n"},
    {"predict", "Usage: lockstep predict MODEL DATA [options]\n"
                "\n"
                "Writes CSV to standard output: a header, then one line for each row of DATA, in its\n"
                "order: the class and the probability of each class, or the predicted values. DATA is\n"
                "in the format of the data the model was trained on, with or without its target.\n"
                "MODEL is a model.safetensors or a run directory. Under mpirun, rank 0 does it alone.\n"
                "\n" THREADS HELP "\n"
                "Examples:\n"
                "  lockstep predict runs/iris/model.safetensors flowers.csv > predictions.csv\n"
                "  lockstep predict runs/iris flowers.csv | cut -d, -f1\n"},
    {"inspect", "Usage: lockstep inspect RECIPE|MODEL|CHECKPOINT\n"
                "\n"
                "Describes a recipe (layers, shapes, parameters, operations, memory), a model or a\n"
                "checkpoint (metadata, tensors, norms).\n"
                "\n" HELP "\n"
                "Examples:\n"
                "  lockstep inspect recipes/digits.yaml\n"
                "  lockstep inspect runs/digits/model.safetensors\n"
                "  lockstep inspect runs/digits/checkpoints/step-000000000450.safetensors\n"},
    {"bench", "Usage: lockstep bench [WORKLOAD...] [options]\n"
              "\n"
              "Measures whole training steps: microseconds a step (the best of several repetitions),\n"
              "samples and operations a second, and the share of the matrix-product rate of this\n"
              "machine. Without WORKLOAD: all of the list. A dense network of any size can be measured by\n"
              "its name, dense-INPUTS-UNITS-...-CLASSES-bBATCH.\n"
              "\n" THREADS "  --float           plain float sums instead of exact ones, for comparison\n"
              "  --phases          where the time of a step goes, instead\n"
              "  --json            one JSON object a workload\n"
              "  --list            the names of the workloads\n" HELP "\n"
              "Examples:\n"
              "  lockstep bench\n"
              "  lockstep bench mnist-mlp-b128-sgdm --threads 2\n"
              "  lockstep bench dense-100-256-256-10-b64\n"
              "  mpirun -n 2 lockstep bench --threads 1 --json\n"},
    {"doctor", "Usage: lockstep doctor [options]\n"
               "\n"
               "Shows ranks, nodes, threads, the cores each rank may use, what fixes the bits of the\n"
               "results on this machine, and the versions of libraries; warns where threads outnumber\n"
               "cores. Start it exactly as the training is to be started.\n"
               "\n" THREADS HELP "\n"
               "Examples:\n"
               "  lockstep doctor\n"
               "  mpirun -n 4 lockstep doctor --threads 2\n"
               "  srun -N 2 --ntasks-per-node 1 lockstep doctor\n"},
    {"help", "Usage: lockstep help [SUB-COMMAND]\n"
             "\n"
             "Explains a sub-command, or names them all.\n"
             "\n"
             "Examples:\n"
             "  lockstep help\n"
             "  lockstep help train\n"},
};

void ls_cli_help_general(FILE *to)
{
    fprintf(to, "Usage: lockstep SUB-COMMAND [operands and options]\n"
                "\n"
                "Trains neural networks on CPUs, with the same bits on any number of threads,\n"
                "processes and machines.\n"
                "\n");
    for (const ls_cli_command *command = ls_cli_commands; command->name; command++) {
        fprintf(to, "  %-9s %s\n", command->name, command->summary);
    }
    fprintf(to, "\n"
                "  lockstep SUB-COMMAND --help explains one of them, lockstep --version says which\n"
                "  Lockstep this is.\n"
                "\n"
                "Examples:\n"
                "  lockstep train recipes/digits.yaml\n"
                "  mpirun -n 2 lockstep train recipes/digits.yaml\n"
                "  lockstep eval runs/digits/model.safetensors\n");
}

int ls_cli_help_print(const ls_cli *cli, const char *command)
{
    const char *best = NULL;
    if (!command) {
        if (cli->speaks) ls_cli_help_general(stdout);
        return LS_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(command, texts[i].command) == 0) {
            if (cli->speaks) fputs(texts[i].text, stdout);
            return LS_EXIT_OK;
        }
        best = ls_cli_nearer(command, texts[i].command, best);
    }
    if (best) return ls_cli_misuse(cli, "no help on '%s'; did you mean '%s'?", command, best);
    return ls_cli_misuse(cli, "no help on '%s'", command);
}

int ls_cli_help(ls_cli *cli, int count, char **words)
{
    if (count > 1) return ls_cli_misuse(cli, "one sub-command at most can be named");
    if (count == 0) return ls_cli_help_print(cli, NULL);
    bool itself = strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0;
    return ls_cli_help_print(cli, itself ? "help" : words[0]);
}
