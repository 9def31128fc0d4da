/* Lines of metrics.jsonl. */
#ifndef LS_TRAIN_RECORD_H
#define LS_TRAIN_RECORD_H

#include <stddef.h>
#include <lockstep/trainer.h>

/* One JSON object with "event" first; NaN becomes null. Independent of the locale. size: LS_RECORD_SIZE is
 * enough. */
enum { LS_RECORD_SIZE = 1024 };
void ls_record_text(const char *event, const ls_progress *progress, char *text, size_t size);

#endif
