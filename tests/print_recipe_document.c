/* Prints docs/recipe.md, made from the tables that parse recipes. */
#include <stdio.h>
#include "base/memory.h"
#include "io/recipe.h"

int main(void)
{
    char *text = NULL;
    if (ls_recipe_document(&text) != LS_OK) {
        fprintf(stderr, "%s\n", ls_error_message());
        return 1;
    }
    int failed = fputs(text, stdout) < 0 || fflush(stdout) != 0;
    ls_free(text);
    return failed;
}
