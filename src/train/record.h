/* Lines of metrics.jsonl. */
#ifndef LS_TRAIN_RECORD_H
#define LS_TRAIN_RECORD_H

#include <lockstep/trainer.h>
#include "base/error.h"

/* One JSON object with "event" first; NaN becomes null. Independent of the locale. *text is freed with
 * ls_free. Errors: LS_ERROR_MEMORY. */
ls_status ls_record_text(const char *event, const ls_progress *progress, char **text);

#endif
